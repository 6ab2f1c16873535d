import { join } from 'node:path';
import { eventually, TestProcess } from '@mgm/test-support';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Link } from '../topology/system.ts';
import { type Order, RESTING, type WorkerSetup } from './worker-setup.ts';

const PROGRAM = new URL('worker.ts', import.meta.url);

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
  #process: TestProcess | undefined;
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
    const exitCode = this.#process?.child.exitCode ?? null;
    return exitCode !== null && exitCode !== 0;
  }

  /** The last of what it wrote to its standard error. */
  get words(): string {
    return this.#process?.stderr ?? '';
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
    this.#isResting = false;
    this.#process = TestProcess.node(PROGRAM, [JSON.stringify(setup)], {
      ipc: true,
      onMessage: (message) => {
        if (message === RESTING) this.#isResting = true;
      },
    });
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    if (!this.#process || this.#process.hasEnded) return;
    await this.#process.kill();
    const last = this.histories.at(-1);
    if (last) last.goneMono = machineMonoMs();
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** Resolves when it has nothing under way and does nothing more by itself. */
  async rest(withinMs: number): Promise<void> {
    this.#send('rest');
    await eventually(
      () => {
        if (!this.#isResting) throw new Error(`${this.name} does not rest\n${this.words}`);
      },
      { withinMs },
    );
  }

  /** Lets it give everything back, and resolves when it is gone. */
  async leave(withinMs: number): Promise<void> {
    if (!this.#process || this.#process.hasEnded) return;
    this.#send('leave');
    await this.#process.ended(withinMs).catch(() => this.kill());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #send(order: Order): void {
    this.#process?.send(order);
  }
}
