import { ok } from '../support/raw-replies.ts';
import { Protocols, type RawRouter, type RawSession } from '../support/raw-client.ts';

/** Far from the interfaces of the session that ends. */
const FIRST_INTERFACE = 1_000_000;
const LONG_TTL_MS = 300_000;

interface Call {
  readonly sentMono: number;
  readonly tookMs: number;
}

/** Other workers while a session ends: each takes and releases an interface of its own repeatedly. */
export class Bystanders implements AsyncDisposable {
  readonly #calls: Call[] = [];
  readonly #running: Promise<unknown>;
  #isStopping = false;

  private constructor(sessions: readonly RawSession[]) {
    const runs = sessions.map((session, at) => this.#run(session, FIRST_INTERFACE + at));
    this.#running = Promise.allSettled(runs).then((settled) => {
      const failed = settled.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
    });
    // Reported by `stop`.
    this.#running.catch(() => {});
  }

  /** Registers `count` workers, each with one pending request at a time. */
  static async start(router: RawRouter, count: number): Promise<Bystanders> {
    const registering = Array.from({ length: count }, (_, at) =>
      router.register({ protocolId: Protocols.dvmrp, componentId: at + 1, ttlMs: LONG_TTL_MS }),
    );
    return new Bystanders(await Promise.all(registering));
  }

  /** The durations, in ms, of the requests that were pending at some time between `fromMono` and `toMono`. */
  latencies(fromMono: number, toMono: number): number[] {
    return this.#calls
      .filter(({ sentMono, tookMs }) => sentMono + tookMs >= fromMono && sentMono <= toMono)
      .map(({ tookMs }) => tookMs);
  }

  /** Resolves when none of them has a pending request. Rejects when one was refused. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#running.catch(() => {});
  }

  async #run(session: RawSession, ifIndex: number): Promise<void> {
    while (!this.#isStopping) {
      await this.#timed(async () => void ok(await session.take(ifIndex)));
      await this.#timed(async () => void ok(await session.release(ifIndex)));
    }
  }

  async #timed(call: () => Promise<void>): Promise<void> {
    const sentMono = performance.now();
    await call();
    this.#calls.push({ sentMono, tookMs: performance.now() - sentMono });
  }
}
