/** Collects latencies and computes their quantiles and histogram. */
export class Latencies {
  readonly #ms: number[] = [];
  #isSorted = true;

  add(ms: number): void {
    this.#ms.push(ms);
    this.#isSorted = false;
  }

  get count(): number {
    return this.#ms.length;
  }

  /** 0.5 is the median, 1 the maximum. 0 if there are no values. */
  quantile(part: number): number {
    if (!this.#isSorted) this.#ms.sort((a, b) => a - b);
    this.#isSorted = true;
    return this.#ms[Math.max(0, Math.ceil(this.#ms.length * part) - 1)] ?? 0;
  }

  /** The histogram, from the first bucket with a value to the last. */
  buckets(): Bucket[] {
    const counts = new Map<number, number>();
    for (const ms of this.#ms) {
      const power = Math.max(SMALLEST_POWER, Math.ceil(Math.log2(ms)));
      counts.set(power, (counts.get(power) ?? 0) + 1);
    }
    const powers = [...counts.keys()];
    if (powers.length === 0) return [];
    const [from, to] = [Math.min(...powers), Math.max(...powers)];
    return Array.from({ length: to - from + 1 }, (_, at) => ({
      upToMs: 2 ** (from + at),
      count: counts.get(from + at) ?? 0,
    }));
  }
}

/** The number of values up to a bound and above the previous bound, which is half of it. */
export interface Bucket {
  readonly upToMs: number;
  readonly count: number;
}

/** The lowest bound is an eighth of a millisecond. */
const SMALLEST_POWER = -3;
