/** How long calls took, and how that is spread. */
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

  /** What so large a part of them did not exceed: 0.5 is the middle, 1 the longest. 0 where there are none. */
  quantile(part: number): number {
    if (!this.#isSorted) this.#ms.sort((a, b) => a - b);
    this.#isSorted = true;
    return this.#ms[Math.max(0, Math.ceil(this.#ms.length * part) - 1)] ?? 0;
  }

  /** How many took at most so long, and longer than the bucket before; from the first to the last that has any. */
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

/** Each bucket reaches twice as far as the one before. */
export interface Bucket {
  readonly upToMs: number;
  readonly count: number;
}

/** An eighth of a millisecond: less is not told apart. */
const SMALLEST_POWER = -3;
