import { type Figure, RATIO } from './figures.ts';
import type { Section } from './report.ts';
import { number, spreadOf } from './statistics.ts';

/** A ratio that is worse by more than the spread of its rounds. */
export interface Regression {
  readonly what: string;
  /** Both spreads as text. */
  readonly text: string;
}

/** The ratios that are worse than recorded, and the number of compared ones. */
export interface Comparison {
  readonly compared: number;
  readonly regressions: readonly Regression[];
}

/**
 * Compares ratios, since times depend on the machine. A ratio is worse when its rounds are beyond the recorded ones, without the
 * outer quarter on each side: a single outlier neither hides a regression nor causes one.
 */
export function compare(recorded: readonly Section[], measured: readonly Section[]): Comparison {
  const before = new Map(ratiosOf(recorded).map((figure) => [figure.id, figure]));
  const pairs = ratiosOf(measured).flatMap((now): [Figure, Figure][] => {
    const then = before.get(now.id);
    return then ? [[then, now]] : [];
  });
  return { compared: pairs.length, regressions: pairs.flatMap(regressionOf) };
}

function ratiosOf(sections: readonly Section[]): Figure[] {
  return sections
    .flatMap(({ figures }) => figures)
    .filter(({ unit, values, target }) => unit === RATIO && target && values.length > 0);
}

function regressionOf([then, now]: readonly [Figure, Figure]): Regression[] {
  const [before, after] = [spreadOf(then.values), spreadOf(now.values)];
  const isWorse =
    now.target && 'atLeast' in now.target ? after.upper < before.lower : after.lower > before.upper;
  if (!isWorse) return [];
  const text = `${number(after.lower)} to ${number(after.upper)}, recorded ${number(before.lower)} to ${number(before.upper)}`;
  return [{ what: now.what, text }];
}
