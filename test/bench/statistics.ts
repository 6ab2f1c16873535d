/** The quantile of the values: 0.5 is the median, 1 the maximum. NaN without values. */
export function quantile(values: ArrayLike<number>, part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** The median; for an even number the mean of the two middle values. NaN without values. */
export function median(values: readonly number[]): number {
  return (quantile(values, 0.5) + quantileFromAbove(values)) / 2;
}

function quantileFromAbove(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The distribution of the values of one figure. */
export interface Spread {
  readonly min: number;
  /** The lower quartile. */
  readonly lower: number;
  readonly median: number;
  /** The upper quartile. */
  readonly upper: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    min: sorted[0] ?? Number.NaN,
    lower: quantile(sorted, 0.25),
    median: median(sorted),
    upper: quantile(sorted, 0.75),
    max: sorted.at(-1) ?? Number.NaN,
  };
}

/** Divides round by round, so that a disturbance of a whole round cancels out. */
export function dividedBy(over: readonly number[], under: readonly number[]): number[] {
  return over.slice(0, under.length).map((value, at) => value / (under[at] ?? Number.NaN));
}

/** A number as text: an integer from 100 on, else with three significant digits, two below 1. */
export function number(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
