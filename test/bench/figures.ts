import { dividedBy, median, number } from './statistics.ts';

/** The target of a figure. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measured quantity: a value per round. */
export interface Figure {
  /** Stable, since figures of two runs are matched by it: `takes.client`. */
  readonly id: string;
  /** The label. */
  readonly what: string;
  /** `×` for a ratio. */
  readonly unit: string;
  readonly values: readonly number[];
  /** Absent for a figure that is only reported. */
  readonly target?: Target;
  /** Why there are no values, and how to get them. */
  readonly absent?: string;
}

/** The unit of ratios. Only ratios are compared between runs, since times depend on the machine. */
export const RATIO = '×';

/** One quantity divided by another, round by round. Without values when one of the two has none. */
export function ratio(
  id: string,
  what: string,
  [over, under]: readonly [Figure, Figure],
  target?: Target,
): Figure {
  const absent = over.absent ?? under.absent;
  return {
    id,
    what,
    unit: RATIO,
    values: dividedBy(over.values, under.values),
    ...(target && { target }),
    ...(absent !== undefined && { absent }),
  };
}

export type Verdict = 'met' | 'missed' | 'not measured';

/** Whether the median meets the target; `undefined` without a target. */
export function verdictOf({ values, target }: Figure): Verdict | undefined {
  if (!target) return undefined;
  if (values.length === 0) return 'not measured';
  const middle = median(values);
  return ('atLeast' in target ? middle >= target.atLeast : middle <= target.atMost)
    ? 'met'
    : 'missed';
}

/** `≥ 1.2 ×` */
export function targetText({ target, unit }: Figure): string {
  if (!target) return '';
  const [sign, limit] = 'atLeast' in target ? ['≥', target.atLeast] : ['≤', target.atMost];
  return `${sign} ${number(limit)} ${unit}`.trimEnd();
}

/** The figure with this id. Throws when there is none, which is a bug. */
export function figureOf(figures: readonly Figure[], id: string): Figure {
  const found = figures.find((figure) => figure.id === id);
  if (!found) throw new Error(`no figure ${id}`);
  return found;
}
