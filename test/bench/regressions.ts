import { type Figure, RATIO } from './figures.ts';
import type { Section } from './report.ts';
import { number, spreadOf } from './statistics.ts';

/** A ratio that got worse by more than rounds differ from each other. */
export interface Regression {
  readonly what: string;
  /** For people: both spreads. */
  readonly text: string;
}

/** What of the measured ratios is worse than recorded, and which of them had nothing to be compared with. */
export interface Comparison {
  readonly compared: number;
  readonly regressions: readonly Regression[];
}

/**
 * Compares ratios, since times depend on the machine. Worse is one whose rounds lie beyond the recorded ones, the outer quarter on
 * each side left out: a single odd round neither hides a regression nor makes one.
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
