import { describe, expect, it } from 'vitest';
import { Roll, type RollMember } from './roll.ts';

interface Named extends RollMember {
  readonly name: string;
}

const member = (name: string): Named => ({ name });

const namesOn = (roll: Iterable<Named>): string[] =>
  Array.from(roll, ({ name }) => name).toSorted();

describe('a roll', () => {
  it('knows who entered and has not left', () => {
    const roll = new Roll<Named>();
    const [a, b, c] = [member('a'), member('b'), member('c')];
    for (const one of [a, b, c, b]) roll.add(one);
    expect([roll.size, ...namesOn(roll)]).toEqual([3, 'a', 'b', 'c']);
    expect([roll.delete(a), roll.delete(a)]).toEqual([true, false]);
    expect([roll.has(a), roll.has(b), ...namesOn(roll)]).toEqual([false, true, 'b', 'c']);
    expect([roll.delete(c), roll.delete(b), roll.size]).toEqual([true, true, 0]);
    roll.add(a);
    expect(namesOn(roll)).toEqual(['a']);
  });

  it('is left in any order', () => {
    const roll = new Roll<Named>();
    const all = Array.from({ length: 1_000 }, (_, at) => member(String(at)));
    for (const one of all) roll.add(one);
    const left = all.filter((_, at) => (at * 7) % 10 < 6);
    for (const one of left.toReversed()) expect(roll.delete(one)).toBe(true);
    const there = all.filter((one) => !left.includes(one));
    expect(namesOn(roll)).toEqual(there.map(({ name }) => name).toSorted());
    expect(there.every((one) => roll.has(one))).toBe(true);
  });
});
