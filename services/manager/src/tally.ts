/** Counts how many values lie up to each bound: a histogram that costs a few nanoseconds per value. */
export class Tally {
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds rising; what is above the last one is counted, too */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  add(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** How many values lay up to each bound, and last how many there were. */
  upTo(): number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => (total += count));
  }
}
