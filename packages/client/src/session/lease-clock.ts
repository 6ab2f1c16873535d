import type { Cancel, Clock } from '../rpc/clock.ts';

/**
 * How much earlier than the store this side considers a lease over: 5 % of it, at least 50 ms. The store counts from the
 * execution of the keepalive, which is after this side sent it, so the deadline is already early by the way there. The
 * margin covers the rest: clocks that run at different speeds, a timer that fires late, and the time a holder takes from
 * its signal until it has really stopped.
 */
export function marginMs(ttlMs: number): number {
  return Math.max(ttlMs * 0.05, 50);
}

/** The part of a lease that may pass unanswered before the session is in jeopardy. */
const JEOPARDY_AFTER = 2 / 3;

export type LeaseState = 'live' | 'jeopardy' | 'lost';

/**
 * When a session has to stop acting, from this process's monotonic clock alone, without any network.
 *
 * - LIVE: the last renewal was sent less than two thirds of the lease ago.
 * - LIVE → JEOPARDY when two thirds of the lease passed unanswered, counted from before the last answered keepalive
 *   was sent. Still held.
 * - JEOPARDY → LIVE when a keepalive was answered before the deadline.
 * - LIVE or JEOPARDY → LOST at the deadline, `sentMono + ttlMs - marginMs`. LOST is final: a reply that arrives after the
 *   deadline renews nothing, even if its request was sent long before.
 * - any → LOST by `end`, without `onChange`: a manager refused the handle, or the session was ended by its user.
 *
 * What never happens: a deadline that moves back (replies may overtake each other; the attempt sent last counts); LOST
 * that is left. A timer notices the deadline. A process that was suspended, or too busy to run its timers, runs them
 * late, so `check` compares with the clock whenever the lease is used, and before every request.
 *
 * A monotonic clock does not count the time in which the machine sleeps. Only the epoch protects against that.
 */
export class LeaseClock {
  readonly #clock: Clock;
  readonly #onChange: (state: LeaseState) => void;
  #state: LeaseState = 'live';
  #jeopardyMono = 0;
  #deadlineMono = 0;
  #wakesAtMono = Infinity;
  #cancel: Cancel | undefined;

  /**
   * @param sentMono from before the `register` was sent that began the lease
   * @param onChange called with each new state, synchronously, by the code that noticed it; not before the first {@link check}
   */
  constructor(
    clock: Clock,
    sentMono: number,
    ttlMs: number,
    onChange: (state: LeaseState) => void,
  ) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#extend(sentMono, ttlMs);
  }

  get state(): LeaseState {
    this.#follow();
    return this.#state;
  }

  /** The instant on this process's monotonic clock at which the holder must have stopped. */
  get deadlineMono(): number {
    return this.#deadlineMono;
  }

  /** The instant from which on the session is in jeopardy. */
  get jeopardyMono(): number {
    return this.#jeopardyMono;
  }

  /** Whether the lease is still held, by the clock now. */
  check(): boolean {
    if (this.#state !== 'lost') this.#follow();
    return this.#state !== 'lost';
  }

  /** A keepalive was answered. Returns whether that was in time. */
  renew(sentMono: number, ttlMs: number): boolean {
    if (!this.check()) return false;
    this.#extend(sentMono, ttlMs);
    this.#follow();
    return this.#state !== 'lost';
  }

  /** The lease is over for a reason other than the clock. */
  end(): void {
    this.#state = 'lost';
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #extend(sentMono: number, ttlMs: number): void {
    const deadlineMono = sentMono + ttlMs - marginMs(ttlMs);
    if (deadlineMono <= this.#deadlineMono) return;
    this.#deadlineMono = deadlineMono;
    this.#jeopardyMono = sentMono + ttlMs * JEOPARDY_AFTER;
  }

  /** Updates the state from the clock. */
  #follow(): void {
    if (this.#state === 'lost') return;
    const now = this.#clock.monoMs();
    if (now >= this.#deadlineMono) {
      this.end();
      return this.#onChange('lost');
    }
    this.#wakeAt(now < this.#jeopardyMono ? this.#jeopardyMono : this.#deadlineMono, now);
    const state = now < this.#jeopardyMono ? 'live' : 'jeopardy';
    if (state === this.#state) return;
    this.#state = state;
    this.#onChange(state);
  }

  /** One timer is enough: it is never set too late, and when it fires too early it is set again. */
  #wakeAt(mono: number, now: number): void {
    if (this.#cancel && this.#wakesAtMono <= mono && this.#wakesAtMono > now) return;
    this.#cancel?.();
    this.#wakesAtMono = mono;
    this.#cancel = this.#clock.after(Math.ceil(mono - now), () => {
      this.#cancel = undefined;
      this.#follow();
    });
  }
}
