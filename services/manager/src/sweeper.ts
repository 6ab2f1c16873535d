import type { RouterName } from '@mgm/protocol';
import type { Store } from '@mgm/store';
import type { Bus } from './bus.ts';
import type { Metrics } from './health/metrics.ts';
import type { TroubleLog } from './log.ts';
import { troubleKind } from './refusals.ts';
import type { Routers } from './routers.ts';
import { forEachConcurrently, Rounds } from './rounds.ts';

/** Routers swept at the same time. */
const CONCURRENCY = 16;
const PROBE_TIMEOUT_MS = 500;
/** How long a NATS probe stays valid, in ms. A probe before each slice would take a quarter of the time of a sweep. */
const PROBE_VALID_MS = 10;

export interface SweeperParts {
  readonly bus: Pick<Bus, 'reaches'>;
  readonly store: Pick<Store, 'serve' | 'sweep'>;
  readonly routers: Routers;
  readonly trouble: TroubleLog;
  readonly metrics: Metrics;
  readonly everyMs: number;
}

/**
 * Ends expired leases: one slice per round for each router that is due. A router with more to do is swept slice after slice,
 * independently of the rounds.
 *
 * Leases run only while a manager serves. A NATS probe tells the store that this one does, and a sweep advances the service
 * clock of its router. A manager that workers cannot reach must do neither: each round and each slice needs a recent probe.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  /** Routers that are swept outside the rounds. */
  readonly #busy = new Map<RouterName, Promise<void>>();
  readonly #rounds: Rounds;
  readonly #stopping = new AbortController();
  #reachedMono = -Infinity;
  #probing: Promise<boolean> | undefined;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#rounds = new Rounds({
      everyMs: parts.everyMs,
      round: (signal) => this.#round(signal),
      onError: (error) => parts.trouble.note('sweep', { err: error }, 'sweep failed'),
    });
  }

  /** Resolves when the last slice has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#rounds.stop();
    await Promise.all(this.#busy.values());
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (!(await this.#probeNats())) return;
    const due = this.#parts.routers.due().filter((router) => !this.#busy.has(router));
    await forEachConcurrently(CONCURRENCY, due, signal, async (router) => {
      // With many routers due a round takes longer than a promise of service.
      if (!(await this.#probeNats())) return;
      if (await this.#sweepSlice(router)) this.#sweepOn(router, signal);
    });
  }

  /** Sweeps a router independently of the rounds, because memberships were withdrawn. */
  sweepSoon(router: RouterName): void {
    if (!this.#busy.has(router)) this.#sweepOn(router, this.#stopping.signal);
  }

  /** Returns whether there is more to do. */
  async #sweepSlice(router: RouterName): Promise<boolean> {
    const { routers } = this.#parts;
    routers.sweepBegins(router);
    try {
      const sentMono = performance.now();
      const report = await this.#parts.store.sweep(router);
      this.#parts.metrics.swept(report, performance.now() - sentMono);
      if (report.idle) routers.idle(router);
      else routers.sweepWithin(router, report.more ? 0 : report.dueInMs);
      return report.more;
    } catch (error) {
      routers.sweepWithin(router, 0);
      const kind = troubleKind(error);
      if (kind) this.#parts.trouble.note(`sweep ${kind}`, { router, err: error }, 'sweep failed');
      return false;
    }
  }

  #sweepOn(router: RouterName, signal: AbortSignal): void {
    const sweeping = this.#sweepUntilDone(router, signal).finally(() => this.#busy.delete(router));
    this.#busy.set(router, sweeping);
  }

  async #sweepUntilDone(router: RouterName, signal: AbortSignal): Promise<void> {
    let more = true;
    while (more && !signal.aborted && (await this.#probeNats())) {
      more = await this.#sweepSlice(router);
    }
  }

  /** Whether workers can reach this manager. Each probe that says so extends the served time. */
  async #probeNats(): Promise<boolean> {
    if (performance.now() - this.#reachedMono < PROBE_VALID_MS) return true;
    this.#probing ??= this.#parts.bus.reaches(PROBE_TIMEOUT_MS).finally(() => {
      this.#probing = undefined;
    });
    const isReachable = await this.#probing;
    if (isReachable && performance.now() - this.#reachedMono >= PROBE_VALID_MS) {
      this.#reachedMono = performance.now();
      this.#parts.store.serve();
    }
    return isReachable;
  }
}
