import { performance } from 'node:perf_hooks';
import { pause } from './abort.ts';

export interface RoundsOptions {
  /** The most time from the start of one round to the start of the next, in ms, unless a round itself takes longer. */
  readonly everyMs: number;
  /** The work of one round. It should end early once the signal is aborted. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  /** Receives what a round throws. The next round runs nonetheless. */
  readonly onError: (error: unknown) => void;
}

/** Repeats a task, never two runs at the same time, with jitter so that replicas do not run in step. */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  /** Starts the first round immediately. */
  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Starts no further round. Resolves when the current one has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { everyMs, round, onError } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const startedMono = performance.now();
      await round(signal).catch(onError);
      const gapMs = everyMs * (0.8 + Math.random() * 0.2);
      await pause(Math.max(0, startedMono + gapMs - performance.now()), signal);
    }
  }
}

/** Runs `work` for each item in order, at most `limit` at a time. Starts no more once the signal is aborted. */
export async function forEachConcurrently<Item>(
  limit: number,
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      if (signal.aborted) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
