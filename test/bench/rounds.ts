import type { Figure } from './figures.ts';
import { number } from './statistics.ts';

/** What one round of one contender came to, by name. */
export type Measured = Readonly<Record<string, number>>;

/** Something measured in turn with others. */
export interface Contender {
  /** Stable: `takes.client`. */
  readonly id: string;
  /** For people. */
  readonly what: string;
  /** Of what `measure` resolves with, where that is one number. */
  readonly unit: string;
  /** One round. Leaves nothing behind that the next one would meet. */
  readonly measure: () => Promise<number>;
}

/** A contender that this machine lacks. */
export interface Absentee {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** Why, and what to do about it. */
  readonly absent: string;
}

/** Told what is going on, a line at a time. */
export type Say = (line: string) => void;

/**
 * Measures all of them in each round, each round beginning with another one, so that what disturbs the machine for a while
 * disturbs all alike. A round before the first warms up and does not count.
 */
export async function inTurn(
  contenders: readonly (Contender | Absentee)[],
  rounds: number,
  say: Say,
): Promise<Figure[]> {
  const present = contenders.filter((one) => 'measure' in one);
  const values = new Map(present.map(({ id }): [string, number[]] => [id, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { id, what, unit, measure } of rotated(present, round)) {
      const value = await measure();
      say(
        `${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}: ${what} ${number(value)} ${unit}`,
      );
      if (round > 0) values.get(id)?.push(value);
    }
  }
  return contenders.map(({ id, what, unit, ...rest }) => ({
    id,
    what,
    unit,
    values: values.get(id) ?? [],
    ...('absent' in rest && { absent: rest.absent }),
  }));
}

/** The same, beginning with another one: each comes first as often as the others. */
export function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const from = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}

/** Repeats one measurement of several numbers, and gathers them by name. */
export async function repeated(
  rounds: number,
  measure: (round: number) => Promise<Measured>,
): Promise<(name: string) => number[]> {
  const all: Measured[] = [];
  for (let round = 1; round <= rounds; round++) all.push(await measure(round));
  return (name) => all.map((one) => one[name] ?? Number.NaN);
}
