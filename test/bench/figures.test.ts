import { describe, expect, it } from 'vitest';
import { type Figure, ratio, targetText, verdictOf } from './figures.ts';
import { type Contender, inTurn, rotated } from './rounds.ts';

const figure = (values: number[], target?: Figure['target']): Figure => ({
  id: 'a',
  what: 'something',
  unit: '/s',
  values,
  ...(target && { target }),
});

describe('the verdict on a figure', () => {
  it('compares the median with the target', () => {
    expect(verdictOf(figure([1, 5, 6], { atLeast: 5 }))).toBe('met');
    expect(verdictOf(figure([1, 4, 6], { atLeast: 5 }))).toBe('missed');
    expect(verdictOf(figure([1, 5, 60], { atMost: 5 }))).toBe('met');
    expect(verdictOf(figure([5.1], { atMost: 5 }))).toBe('missed');
  });

  it('is absent without a target, and never "met" without values', () => {
    expect(verdictOf(figure([1]))).toBeUndefined();
    expect(verdictOf(figure([], { atMost: 5 }))).toBe('not measured');
  });

  it('has a readable target', () => {
    expect(targetText(figure([1], { atLeast: 0.6 }))).toBe('≥ 0.6 /s');
  });
});

describe('a ratio', () => {
  it('without one of its two figures has no values, for the same reason', () => {
    const absent = { ...figure([]), absent: 'etcd is not on this machine' };
    const of = ratio('b', 'a / etcd', [figure([1, 2]), absent], { atLeast: 10 });
    expect(of).toMatchObject({ values: [], absent: absent.absent });
    expect(verdictOf(of)).toBe('not measured');
  });
});

describe('contenders', () => {
  it('take turns at being the first, and the warm-up round is not counted', async () => {
    const order: string[] = [];
    const contender = (id: string): Contender => ({
      id,
      what: id,
      unit: '/s',
      measure: async () => order.push(id),
    });
    const absentee = { id: 'd', what: 'd', unit: '/s', absent: 'not here' };
    const said: string[] = [];
    const all = ['a', 'b', 'c'].map(contender);
    const figures = await inTurn([...all, absentee], 2, (line) => said.push(line));
    expect(order.join('')).toBe('abcbcacab');
    expect(figures.map(({ values }) => values.length)).toEqual([2, 2, 2, 0]);
    expect(figures.at(-1)?.absent).toBe('not here');
    expect(said[0]).toBe('warming up: a 1 /s');
    expect(said.at(-1)).toBe('round 2 of 2: b 9 /s');
  });

  it('may be empty', () => {
    expect(rotated([], 3)).toEqual([]);
  });
});
