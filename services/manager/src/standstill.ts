import type { Logger } from 'pino';
import { pause } from './abort.ts';
import type { Bus } from './bus.ts';

/**
 * How long the process may stand still, and how old a request or a read reply may get here, in ms. Clients wait about this long
 * for a reply before they count an attempt as lost.
 */
export const STALE_AFTER_MS = 2000;
const TICK_MS = 250;
const PROBE_TIMEOUT_MS = 1000;
const PROBE_AGAIN_MS = 50;

export interface StandstillParts {
  readonly bus: Pick<Bus, 'reaches'>;
  readonly log: Logger;
}

/**
 * Notices that this process stood still: stopped, swapped out, or blocked. Messages that NATS delivered meanwhile are then read
 * late and carry no time; the clients may have given them up. NATS confirms a probe after everything that it
 * delivered before, so the messages that are read until a probe is confirmed count as stale.
 *
 * RUNNING → CATCHING UP when the monotonic clock jumped by more than {@link STALE_AFTER_MS} → RUNNING with the first confirmed
 * probe.
 */
export class Standstill {
  readonly #parts: StandstillParts;
  readonly #timer: NodeJS.Timeout;
  readonly #stopping = new AbortController();
  #lastMono = performance.now();
  #isCatchingUp = false;

  constructor(parts: StandstillParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.catchesUp(performance.now()), TICK_MS).unref();
  }

  /** Whether a message that is read now may be stale. After a pause a message may be read before the timer fires. */
  catchesUp(nowMono: number): boolean {
    const pausedMs = nowMono - this.#lastMono;
    this.#lastMono = nowMono;
    if (pausedMs > STALE_AFTER_MS && !this.#isCatchingUp) {
      this.#parts.log.warn({ pausedMs: Math.round(pausedMs) }, 'stood still');
      this.#isCatchingUp = true;
      void this.#catchUp();
    }
    return this.#isCatchingUp;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopping.abort();
  }

  async #catchUp(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !(await this.#parts.bus.reaches(PROBE_TIMEOUT_MS))) {
      await pause(PROBE_AGAIN_MS, signal);
    }
    this.#isCatchingUp = false;
  }
}
