import { performance } from 'node:perf_hooks';
import { pause } from './limits.ts';

export interface RoundsOptions {
  /** The most time from the start of one round to the start of the next, in ms, unless a round itself takes longer. */
  readonly everyMs: number;
  /** The work of one round. Given up on its own account once the signal is aborted. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  /** Told what a round threw. The next one comes nonetheless. */
  readonly onError: (error: unknown) => void;
}

/** Does something again and again, never twice at once, a bit sooner than asked so that replicas fall out of step. */
export class Rounds {
  readonly #options: RoundsOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;

  /** The first round starts at once. */
  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** No more rounds. Resolves when the one under way has ended. */
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

/** Does `work` for each item, at most so many at a time, in order. Ends early once the signal is aborted. */
export async function forEachAtMost<Item>(
  most: number,
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
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}
