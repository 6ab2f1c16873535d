/** The first estimate of the round trip, and the shortest wait before a request is repeated, in ms. */
const SHORTEST_MS = 250;
/**
 * The longest wait while replies usually take less. A call then has 20 attempts in its 10 s: if one of two managers hangs,
 * the chance that all of them reach it is one in a million.
 */
const LONGEST_MS = 500;
/** The longest wait if replies take longer, as a multiple of their mean. */
const LONGEST_ROUND_TRIPS = 1.5;
/** Half of the random part of each wait, so that requests that were lost together are not repeated together. */
const JITTER = 0.2;

/** Repeats per second that are allowed although no manager replies. */
const REFILL_PER_S = 100;
/** How many repeats may be saved up. */
const BUDGET_MAX = 100;
/** The part of the budget that only urgent repeats may use. */
const URGENT_BUDGET = 20;

/** Weights of the newest round trip, as in RFC 6298. */
const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;

/**
 * When the requests of one client are repeated that have no reply yet.
 *
 * NATS distributes requests to all managers of the queue group, also to one that hangs, so an unanswered request is
 * repeated soon: after the round trip that replies took recently, but not before 250 ms and not much later than 500 ms.
 * Requests are idempotent, and the repeated one probably reaches another manager.
 *
 * The extra load is bounded: a repeat costs one unit of a budget, which gets one unit per reply and 100 per second. So
 * while managers are slow or absent, repeats are at most as many as the replies, and 100 per second. A request that has
 * waited for its whole `timeoutMs` is repeated in any case.
 */
export class Repeats {
  #meanMs: number | undefined;
  #deviationMs = 0;
  #budget = BUDGET_MAX;
  #refilledMono: number;

  constructor(nowMono: number) {
    this.#refilledMono = nowMono;
  }

  /** A reply arrived `tookMs` after its attempt was sent. */
  answered(tookMs: number): void {
    this.#budget = Math.min(this.#budget + 1, BUDGET_MAX);
    if (this.#meanMs === undefined) {
      this.#meanMs = tookMs;
      this.#deviationMs = tookMs / 2;
      return;
    }
    const deviationMs = Math.abs(this.#meanMs - tookMs);
    this.#deviationMs += DEVIATION_WEIGHT * (deviationMs - this.#deviationMs);
    this.#meanMs += MEAN_WEIGHT * (tookMs - this.#meanMs);
  }

  /** After how many ms nearly every reply has arrived: the mean and four mean deviations of recent round trips. */
  get usualMs(): number {
    return this.#meanMs === undefined ? 0 : this.#meanMs + 4 * this.#deviationMs;
  }

  /**
   * How long an attempt waits for its reply before the next one, in ms, with jitter.
   *
   * @param attempts how many attempts of the call were sent: later ones wait twice as long as the first
   * @param timeoutMs the longest wait
   * @param everyMs the wait of a call that must be repeated more often, such as a keepalive of a short lease
   */
  waitMs(attempts: number, timeoutMs: number, everyMs = Infinity): number {
    const first = Math.max(Math.min(SHORTEST_MS, everyMs), this.usualMs);
    const longest = Math.max(LONGEST_MS, (this.#meanMs ?? 0) * LONGEST_ROUND_TRIPS);
    const often = Math.max(everyMs, this.usualMs);
    const waitMs = Math.min(attempts > 1 ? 2 * first : first, often, longest);
    return Math.min(waitMs * (1 + (Math.random() - 0.5) * 2 * JITTER), timeoutMs);
  }

  /** Takes one repeat from the budget, if it has one. */
  take(nowMono: number, isUrgent: boolean): boolean {
    const refill = ((nowMono - this.#refilledMono) * REFILL_PER_S) / 1_000;
    this.#budget = Math.min(this.#budget + refill, BUDGET_MAX);
    this.#refilledMono = nowMono;
    if (this.#budget < (isUrgent ? 1 : 1 + URGENT_BUDGET)) return false;
    this.#budget--;
    return true;
  }
}
