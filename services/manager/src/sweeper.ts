import type { RouterName } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import { troubleKind } from './answer.ts';
import type { Figures } from './figures.ts';
import type { Intake } from './intake.ts';
import type { KnownRouters } from './known-routers.ts';
import type { Bus } from './nats-connection.ts';
import { forEachAtMost, Rounds } from './rounds.ts';
import type { TroubleLog } from './trouble-log.ts';

/** Routers swept at the same time. */
const AT_ONCE = 16;
const NATS_WITHIN_MS = 500;
/** For how long its word counts, in ms. Before each slice it would take a quarter of the time of a sweep. */
const WORD_COUNTS_MS = 10;
/** Operations of one call. Who is one of so many waits for the others, and does not notice a sweep. */
const CROWD = 16;

export interface SweeperParts {
  readonly bus: Pick<Bus, 'reaches'>;
  readonly store: Pick<Store, 'sweep' | 'operationsPerCall'>;
  readonly intake: Pick<Intake, 'isCalm'>;
  readonly routers: KnownRouters;
  readonly trouble: TroubleLog;
  readonly figures: Figures;
  readonly everyMs: number;
}

/**
 * Ends leases that ran out, a slice per router and round; a router with more left goes on at once, beside the rounds.
 *
 * A sweep also tells the store that a manager serves, and the time of leases runs only while one does. A manager that
 * workers cannot reach must not say so: each round begins with a word from NATS, and goes on while there was one a moment ago.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #busy = new Map<RouterName, Promise<void>>();
  readonly #rounds: Rounds;
  #reachedMono = -Infinity;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#rounds = new Rounds({
      everyMs: parts.everyMs,
      round: (signal) => this.#round(signal),
      onError: (error) => parts.trouble.note('sweep', { err: error }, 'sweep failed'),
    });
  }

  /** Resolves when no sweep is under way any more. */
  async stop(): Promise<void> {
    await this.#rounds.stop();
    await Promise.all(this.#busy.values());
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { bus, routers } = this.#parts;
    if (!(await bus.reaches(NATS_WITHIN_MS))) return;
    const idle = routers.names().filter((router) => !this.#busy.has(router));
    await forEachAtMost(AT_ONCE, idle, signal, async (router) => {
      if (await this.#sweep(router, this.#isNoticed(router))) this.#goOn(router, signal);
    });
  }

  /** Whether there is more to do. */
  async #sweep(router: RouterName, gently: boolean): Promise<boolean> {
    try {
      const sentMono = performance.now();
      const report = await this.#parts.store.sweep(router, { gently });
      this.#parts.figures.swept(report, performance.now() - sentMono);
      return report.more;
    } catch (error) {
      const kind = troubleKind(error);
      if (kind) this.#parts.trouble.note(`sweep ${kind}`, { router, err: error }, 'sweep failed');
      return false;
    }
  }

  #goOn(router: RouterName, signal: AbortSignal): void {
    const going = this.#untilDone(router, signal).finally(() => this.#busy.delete(router));
    this.#busy.set(router, going);
  }

  /** Whether somebody asks for something now who would have to wait for a sweep more than for others who ask. */
  #isNoticed(router: RouterName): boolean {
    const { intake, store } = this.#parts;
    return !intake.isCalm && store.operationsPerCall(router) < CROWD;
  }

  /**
   * Slice after slice. Where nobody notices, NATS is asked meanwhile for its word for the next; else slices are small, and what
   * somebody asks for has its place between.
   */
  async #untilDone(router: RouterName, signal: AbortSignal): Promise<void> {
    let reached = await this.#reachesNats();
    let more = true;
    while (more && reached && !signal.aborted) {
      const gently = this.#isNoticed(router);
      const slice = this.#sweep(router, gently);
      if (gently) await slice;
      [more, reached] = await Promise.all([slice, this.#reachesNats()]);
    }
  }

  /** Whether NATS was there a moment ago. As NATS answers in turn, it has then handled what was told up to there, too. */
  async #reachesNats(): Promise<boolean> {
    if (performance.now() - this.#reachedMono < WORD_COUNTS_MS) return true;
    const isThere = await this.#parts.bus.reaches(NATS_WITHIN_MS);
    if (isThere) this.#reachedMono = performance.now();
    return isThere;
  }
}
