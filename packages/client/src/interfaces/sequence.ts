import { Limits } from '@mgm/protocol';

/** The numbers of a sequenced request, by which it takes effect once. Wire contract section 3, sequencing. */
export interface SequenceNumbers {
  readonly seq: number;
  readonly ack: number;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
}

/**
 * The numbers of one session: `seq` counts its sequenced requests, `ack` is the lowest unfinished one. A request is
 * finished when it was answered, and also when it was abandoned: once a manager has seen an `ack` above its number, a
 * late copy of that request is refused as stale.
 */
export class Sequence {
  readonly #maxUnfinished: number;
  readonly #maxSpan: number;
  readonly #finishedAhead = new Set<number>();
  #waiters: Waiter[] = [];
  #next = 1;
  #lowest = 1;

  /**
   * @param maxUnfinished how many requests may be unfinished
   * @param maxSpan how far `seq` may be above `ack`: the size of the managers' reply window
   */
  constructor(maxUnfinished: number, maxSpan: number = Limits.window) {
    this.#maxUnfinished = maxUnfinished;
    this.#maxSpan = maxSpan;
  }

  /** The lowest unfinished number, or the next one if all are finished. */
  get ack(): number {
    return this.#lowest;
  }

  /** The last number issued; 0 before the first. */
  get last(): number {
    return this.#next - 1;
  }

  get unfinished(): number {
    return this.#next - this.#lowest - this.#finishedAhead.size;
  }

  /** Whether another number may be issued now. A request that hangs holds back `ack`, and in the end all others. */
  get hasRoom(): boolean {
    return this.unfinished < this.#maxUnfinished && this.#next - this.#lowest <= this.#maxSpan;
  }

  issue(): SequenceNumbers {
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

  /** Resolves when every later request carries an `ack` above `seq`. */
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
