import type { Cancel, Clock } from '../rpc/clock.ts';

/** After this time without an answer, contact counts as lost; it matters only for hold times that are shorter. */
const LOST_AFTER_MS = 250;

/**
 * How long an agent may forward without contact. The last contact is when the latest request was sent that was answered.
 * It ends `holdMs` later, on the monotonic clock, but not while an answer may still be on its way: for a short `holdMs`
 * there would be no contact between two keepalives. Forwarding contract, section 8.2.
 */
export class Hold {
  readonly #clock: Clock;
  readonly #holdMs: number;
  readonly #onLost: () => void;
  #contactMono = -Infinity;
  /** When the first request was sent that has no answer since the last contact. */
  #unansweredMono: number | undefined;
  #isLinkDown = false;
  #cancel: Cancel | undefined;
  #isOver = false;

  /** @param onLost called when the time is over, once per loss of contact */
  constructor(clock: Clock, holdMs: number, onLost: () => void) {
    this.#clock = clock;
    this.#holdMs = holdMs;
    this.#onLost = onLost;
  }

  /** Whether the agent may forward now. */
  get isHeld(): boolean {
    return this.#clock.monoMs() < this.#endsMono;
  }

  /** A request was answered. `sentMono`: when it was sent. */
  contact(sentMono: number): void {
    if (sentMono <= this.#contactMono) return;
    // The process may have been stopped: what was due comes first.
    this.#check();
    this.#contactMono = sentMono;
    this.#isLinkDown = false;
    if (this.#unansweredMono !== undefined && this.#unansweredMono <= sentMono) {
      this.#unansweredMono = undefined;
    }
    this.#plan();
  }

  /** A request was sent. */
  unanswered(sentMono: number): void {
    this.#unansweredMono ??= sentMono;
    this.#plan();
  }

  /** The connection is lost: no answer is on its way. */
  linkDown(): void {
    this.#isLinkDown = true;
    this.#plan();
  }

  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  get #endsMono(): number {
    const endsMono = this.#contactMono + this.#holdMs;
    if (this.#isLinkDown) return endsMono;
    return Math.max(endsMono, (this.#unansweredMono ?? Infinity) + LOST_AFTER_MS);
  }

  #plan(): void {
    this.#cancel?.();
    const endsMono = this.#endsMono;
    if (this.#isOver || endsMono === Infinity || this.#contactMono === -Infinity) return;
    const leftMs = Math.max(0, Math.ceil(endsMono - this.#clock.monoMs()));
    this.#cancel = this.#clock.after(leftMs, () => this.#check());
  }

  #check(): void {
    if (this.#isOver || this.#contactMono === -Infinity) return;
    if (this.isHeld) this.#plan();
    else this.#onLost();
  }
}
