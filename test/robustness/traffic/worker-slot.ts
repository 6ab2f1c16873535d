import { join } from 'node:path';
import { eventually, TestProcess } from '@mgm/test-support';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Link } from '../topology/system.ts';
import { HistoryFile } from './history.ts';
import { type Order, RESTING, type WorkerSetup } from './worker-setup.ts';

const PROGRAM = new URL('worker.ts', import.meta.url);

/** The settings that all successive processes of one worker share. */
export type WorkerPlan = Omit<WorkerSetup, 'servers' | 'historyPath' | 'takeover' | 'seed'>;

/** The place of one worker: its links and its pair of ids stay, its processes change. */
export class WorkerSlot implements AsyncDisposable {
  readonly plan: WorkerPlan;
  readonly links: readonly Link[];
  /** One history per process, with the time of its end. */
  readonly histories: { readonly file: HistoryFile; goneMono: number }[] = [];
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

  /** Whether it crashed, which no worker may. */
  get hasCrashed(): boolean {
    const exitCode = this.#process?.child.exitCode ?? null;
    return exitCode !== null && exitCode !== 0;
  }

  /** The last part of its error output. */
  get errorOutput(): string {
    return this.#process?.stderr ?? '';
  }

  start(): void {
    const at = this.histories.length;
    const name = at === 0 ? this.name : `${this.name}.${at + 1}`;
    const path = join(this.#folder, `${name}.jsonl`);
    this.histories.push({ file: new HistoryFile(path), goneMono: Infinity });
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

  /** Resolves when it has no pending call and makes no more. */
  async rest(withinMs: number): Promise<void> {
    this.#isResting = false;
    this.#send('rest');
    await eventually(
      () => {
        if (!this.#isResting) throw new Error(`${this.name} does not rest\n${this.errorOutput}`);
      },
      { withinMs },
    );
  }

  /** Lets it make calls again after it rested. */
  act(): void {
    this.#send('act');
  }

  /** While `isDeaf` it renews its lease, but handles no callback. */
  deafen(isDeaf: boolean): void {
    this.#send(isDeaf ? 'deafen' : 'listen');
  }

  /** Lets it release everything and end, and resolves when it has ended. */
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
