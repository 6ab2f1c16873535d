import type { Figure } from './figures.ts';
import { number } from './statistics.ts';

/** The values of one round of one contender, by name. */
export type Measured = Readonly<Record<string, number>>;

/** A measurement in turn with others. */
export interface Contender {
  /** Stable: `takes.client`. */
  readonly id: string;
  /** The label. */
  readonly what: string;
  /** The unit of the value, when `measure` resolves to one number. */
  readonly unit: string;
  /** Runs one round and removes its data. */
  readonly measure: () => Promise<number>;
}

/** A contender that this machine lacks. */
export interface Absentee {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** Why it is missing, and how to get it. */
  readonly absent: string;
}

/** Receives progress, a line at a time. */
export type Say = (line: string) => void;

/**
 * Measures all contenders in each round, and starts each round with another one, so that a disturbance of the machine affects
 * all of them. A round before the first warms up and is not counted.
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

/** The same contenders rotated, so that each is first equally often. */
export function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const from = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}

/** Repeats a measurement of several values, and collects them by name. */
export async function repeated(
  rounds: number,
  measure: (round: number) => Promise<Measured>,
): Promise<(name: string) => number[]> {
  const all: Measured[] = [];
  for (let round = 1; round <= rounds; round++) all.push(await measure(round));
  return (name) => all.map((one) => one[name] ?? Number.NaN);
}
