import { Limits } from '@mgm/protocol';

/** What a request that changes state carries so that it takes effect once. Wire contract section 3, sequencing. */
export interface Numbered {
  readonly seq: number;
  readonly ack: number;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
}

/**
 * The numbers of one session: `seq` counts its changes, `ack` is the lowest one not finished. A request is finished when
 * it was answered and also when it was given up: from then on `ack` may pass it, and once a manager has seen such an
 * `ack`, a copy of that request still on its way is refused as stale.
 */
export class Sequence {
  readonly #maxUnfinished: number;
  readonly #maxSpan: number;
  readonly #finishedAhead = new Set<number>();
  #waiters: Waiter[] = [];
  #next = 1;
  #lowest = 1;

  /**
   * @param maxUnfinished how many numbers may be out at once
   * @param maxSpan how far a number may be above `ack`: managers keep that many answers
   */
  constructor(maxUnfinished: number, maxSpan: number = Limits.window) {
    this.#maxUnfinished = maxUnfinished;
    this.#maxSpan = maxSpan;
  }

  /** The lowest number not finished; the next one to be given where all are. */
  get ack(): number {
    return this.#lowest;
  }

  /** The last number given out; 0 where none was. */
  get last(): number {
    return this.#next - 1;
  }

  get unfinished(): number {
    return this.#next - this.#lowest - this.#finishedAhead.size;
  }

  /** Whether another number may be given now. One that hangs holds up `ack`, and so at some point all others. */
  get hasRoom(): boolean {
    return this.unfinished < this.#maxUnfinished && this.#next - this.#lowest <= this.#maxSpan;
  }

  issue(): Numbered {
    const seq = this.#next++;
    return { seq, ack: this.#lowest };
  }

  finish(seq: number): void {
    if (seq < this.#lowest || seq >= this.#next) return;
    if (seq === this.#lowest) this.#lowest++;
    else this.#finishedAhead.add(seq);
    while (this.#finishedAhead.delete(this.#lowest)) this.#lowest++;
    this.#wake();
  }

  /** Resolves when every request sent from now on carries an `ack` above `seq`. */
  async passed(seq: number): Promise<void> {
    if (this.#lowest > seq) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ seq, resolve });
    await promise;
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => waiter.seq < this.#lowest);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.seq >= this.#lowest);
    for (const waiter of ready) waiter.resolve();
  }
}
