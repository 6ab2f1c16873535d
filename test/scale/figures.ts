/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be, in words; absent where it is only reported. */
  readonly target?: string;
  /** Whether it is so; absent where it is only reported. */
  readonly met?: boolean;
}

/** A figure that must not exceed `atMost`. */
export function limited(what: string, value: number, unit: string, atMost: number): Figure {
  return { what, value, unit, target: `at most ${number(atMost)}`, met: value <= atMost };
}

/** What so large a part of the values does not exceed: 0.5 is the middle, 1 the largest. 0 where there are none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A number for people: whole from 100 on, else with two places that count. */
export function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
