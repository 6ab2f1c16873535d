import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPILED, eventually } from '@mgm/test-support';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Link } from '../topology/system.ts';
import { type Order, RESTING, type WorkerSetup } from './worker-setup.ts';

const PROGRAM = fileURLToPath(new URL('worker.ts', import.meta.url));
/** Ends what it starts as soon as its parent is gone, also when that was killed (Linux). */
const SETPRIV = '/usr/bin/setpriv';

/** What is the same for all processes that follow each other as one worker. */
export type WorkerPlan = Omit<WorkerSetup, 'servers' | 'historyPath' | 'takeover' | 'seed'>;

/** Where one worker runs, and after it the next: its ways and its pair of ids stay, the processes change. */
export class WorkerSlot implements AsyncDisposable {
  readonly plan: WorkerPlan;
  readonly links: readonly Link[];
  /** One history per process, with the time at which that process was gone. */
  readonly histories: { readonly path: string; goneMono: number }[] = [];
  readonly #folder: string;
  readonly #seed: number;
  #child: ChildProcess | undefined;
  #words = '';
  #isResting = false;

  constructor(plan: WorkerPlan, links: readonly Link[], folder: string, seed: number) {
    this.plan = plan;
    this.links = links;
    this.#folder = folder;
    this.#seed = seed;
  }

  get name(): string {
    return this.plan.name;
  }

  /** Whether it died by itself, which no worker may. */
  get hasCrashed(): boolean {
    return this.#child !== undefined && this.#child.exitCode !== null && this.#child.exitCode !== 0;
  }

  /** The last of what it wrote to its standard error. */
  get words(): string {
    return this.#words;
  }

  start(): void {
    const at = this.histories.length;
    const name = at === 0 ? this.name : `${this.name}.${at + 1}`;
    const path = join(this.#folder, `${name}.jsonl`);
    this.histories.push({ path, goneMono: Infinity });
    const setup: WorkerSetup = {
      ...this.plan,
      name,
      historyPath: path,
      servers: this.links.map(({ proxy }) => `nats://${proxy.host}:${proxy.port}`),
      takeover: at > 0,
      seed: this.#seed + at,
    };
    const node = [process.execPath, '--conditions=@mgm/source', PROGRAM, JSON.stringify(setup)];
    const [program = '', ...args] = existsSync(SETPRIV)
      ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...node]
      : node;
    const child = spawn(program, args, {
      env: { ...COMPILED },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.setEncoding('utf8').on('data', (words: string) => {
      this.#words = (this.#words + words).slice(-8192);
    });
    child.on('message', (message) => {
      if (message === RESTING) this.#isResting = true;
    });
    this.#child = child;
    this.#isResting = false;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const last = this.histories.at(-1);
    if (last) last.goneMono = machineMonoMs();
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Resolves when it has nothing under way and does nothing more by itself. */
  async rest(withinMs: number): Promise<void> {
    this.#send('rest');
    await eventually(
      () => {
        if (!this.#isResting) throw new Error(`${this.name} does not rest\n${this.#words}`);
      },
      { withinMs },
    );
  }

  /** Lets it give everything back, and resolves when it is gone. */
  async leave(withinMs: number): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit', { signal: AbortSignal.timeout(withinMs) });
    this.#send('leave');
    await gone.catch(() => this.kill());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #send(order: Order): void {
    if (this.#child?.connected) this.#child.send(order);
  }
}
