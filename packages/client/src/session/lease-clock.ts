import type { Cancel, Clock } from '../rpc/clock.ts';

/**
 * How much earlier than the store this side calls a lease over: 5 % of it, at least 50 ms. The store counts from when it
 * executed the keepalive, which was after this side sent it, so the deadline is early by the way there already. The
 * margin covers what that does not: two clocks that do not run equally fast, a timer that fires late, and the time a
 * holder takes from hearing the signal until it has really stopped.
 */
export function marginMs(ttlMs: number): number {
  return Math.max(ttlMs * 0.05, 50);
}

/** The part of a lease that may pass unanswered before the holder is warned. */
const JEOPARDY_AFTER = 2 / 3;

export type LeaseState = 'live' | 'jeopardy' | 'lost';

/** Who wants to know. Called at once and in the stack of whoever made the clock notice. */
export interface LeaseListener {
  onJeopardy(): void;
  onSafe(): void;
  /** The deadline passed. The last thing that is called. */
  onDeadline(): void;
}

/**
 * When a session has to stop acting, told from this process's monotonic clock alone, with no network.
 *
 * - LIVE: the last renewal was sent less than two thirds of the lease ago.
 * - LIVE → JEOPARDY when two thirds of the lease passed unanswered, counted from before the last answered keepalive
 *   was sent. Still held.
 * - JEOPARDY → LIVE when a keepalive was answered before the deadline.
 * - LIVE or JEOPARDY → LOST at the deadline: `sentMono + ttlMs - marginMs`. From here nothing leads back: an answer
 *   that comes after the deadline renews nothing, even where it was sent long before.
 * - any → LOST by `end`, without `onDeadline`: the manager refused the handle, or the session was given back.
 *
 * What never happens: a deadline that moves back (answers may overtake each other; the attempt sent last counts); LOST
 * that is left. A timer notices the deadline where nothing else happens. A process that was stopped, or too busy to
 * run its timers, runs them late, so `check` compares with the clock each time anybody wants to act on the lease, and
 * is asked before every request.
 *
 * Time in which the whole machine sleeps is not counted by a monotonic clock. Against that only the epoch helps.
 */
export class LeaseClock {
  readonly #clock: Clock;
  readonly #listener: LeaseListener;
  #state: LeaseState = 'live';
  #jeopardyMono = 0;
  #deadlineMono = 0;
  #wakesAtMono = Infinity;
  #cancel: Cancel | undefined;

  /**
   * Nobody is told anything before the first {@link check}.
   *
   * @param sentMono from before the `register` was sent that began the lease
   */
  constructor(clock: Clock, sentMono: number, ttlMs: number, listener: LeaseListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#extend(sentMono, ttlMs);
  }

  get state(): LeaseState {
    this.#follow();
    return this.#state;
  }

  /** The moment on this process's monotonic clock at which the holder must have stopped. */
  get deadlineMono(): number {
    return this.#deadlineMono;
  }

  /** Whether the lease is still held, by the clock as it is now. */
  check(): boolean {
    if (this.#state !== 'lost') this.#follow();
    return this.#state !== 'lost';
  }

  /** A keepalive was answered. Says whether that came in time. */
  renew(sentMono: number, ttlMs: number): boolean {
    if (!this.check()) return false;
    this.#extend(sentMono, ttlMs);
    this.#follow();
    return this.#state !== 'lost';
  }

  /** The lease is over for a reason that the clock does not know. */
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

  /** Brings the state in line with the clock. */
  #follow(): void {
    if (this.#state === 'lost') return;
    const now = this.#clock.monoMs();
    if (now >= this.#deadlineMono) {
      this.end();
      return this.#listener.onDeadline();
    }
    this.#wakeAt(now < this.#jeopardyMono ? this.#jeopardyMono : this.#deadlineMono, now);
    const state = now < this.#jeopardyMono ? 'live' : 'jeopardy';
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'jeopardy') this.#listener.onJeopardy();
    else this.#listener.onSafe();
  }

  /** One timer is enough: it never rings late, and when it rings early it is set again. */
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
