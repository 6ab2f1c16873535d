import { describe, expect, it } from 'vitest';
import { Tally } from './tally.ts';

describe('a tally', () => {
  it('counts what lies up to each bound, and what is above the last', () => {
    const tally = new Tally([1, 10, 100]);
    for (const value of [0, 1, 1.5, 10, 99, 100, 101, 1e9]) tally.add(value);
    expect(tally.upTo()).toEqual([2, 4, 6, 8]);
    expect(tally.count).toBe(8);
    expect(tally.sum).toBe(1e9 + 312.5);
  });

  it('is empty at first', () => {
    const tally = new Tally([1]);
    expect({ upTo: tally.upTo(), count: tally.count, sum: tally.sum }).toEqual({
      upTo: [0, 0],
      count: 0,
      sum: 0,
    });
  });
});
