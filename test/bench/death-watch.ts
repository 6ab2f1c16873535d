import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RawRouter } from '../support/raw-client.ts';

/** What is still not over by then never will be. */
const GIVE_UP_AFTER_MS = 60_000;

/** What the thread is told. */
export interface Watched {
  readonly servers: string;
  /** The subjects of the events of the router. */
  readonly events: string;
  readonly interfaces: number;
}

export interface Over {
  /** When the first and the last word of it came, on the machine's monotonic clock. */
  readonly beganMono: number;
  readonly endedMono: number;
  /** From the end of the session to the last release, on the store's clock. */
  readonly tookMs: number;
}

/** What the thread tells. */
export type WatcherNote = { readonly kind: 'watching' } | ({ readonly kind: 'over' } & Over);

/**
 * Watches the end of the one session of a router that has several interfaces; others release as they like. It does so in a
 * thread and on a connection of its own: a worker beside the dead one does not receive a hundred thousand events either, and
 * behind them on one connection its answers would seem late.
 */
export class DeathWatch implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #interfaces: number;

  private constructor(worker: Worker, interfaces: number) {
    this.#worker = worker;
    this.#interfaces = interfaces;
  }

  /** Resolves when it misses nothing any more. */
  static async start(servers: string, router: RawRouter, interfaces: number): Promise<DeathWatch> {
    const events = `${router.prefix}.${router.name}.event.>`;
    const workerData: Watched = { servers, events, interfaces };
    const worker = new Worker(new URL('death-watcher.ts', import.meta.url), { workerData });
    await once(worker, 'message');
    return new DeathWatch(worker, interfaces);
  }

  async over(): Promise<Over> {
    const [note]: WatcherNote[] = await once(this.#worker, 'message', {
      signal: AbortSignal.timeout(GIVE_UP_AFTER_MS),
    });
    if (note?.kind !== 'over') throw new Error(`the end of ${this.#interfaces} was not watched`);
    return note;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.postMessage('end');
    await once(this.#worker, 'exit');
  }
}
