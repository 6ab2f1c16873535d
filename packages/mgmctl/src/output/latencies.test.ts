import { describe, expect, it } from 'vitest';
import { Latencies } from './latencies.ts';

function of(...all: number[]): Latencies {
  const latencies = new Latencies();
  for (const ms of all) latencies.add(ms);
  return latencies;
}

describe('latencies', () => {
  it('have a median, a tail and a maximum', () => {
    const upToAHundred = of(...Array.from({ length: 100 }, (_, at) => 100 - at));
    expect([0.5, 0.9, 0.99, 1].map((part) => upToAHundred.quantile(part))).toEqual([
      50, 90, 99, 100,
    ]);
    expect(of().quantile(0.5)).toBe(0);
    expect(of(3).quantile(0.5)).toBe(3);
  });

  it('fall into buckets that double, without gaps', () => {
    expect(of(0, 0.01, 0.5, 0.6, 1, 3.9).buckets()).toEqual([
      { upToMs: 0.125, count: 2 },
      { upToMs: 0.25, count: 0 },
      { upToMs: 0.5, count: 1 },
      { upToMs: 1, count: 2 },
      { upToMs: 2, count: 0 },
      { upToMs: 4, count: 1 },
    ]);
    expect(of().buckets()).toEqual([]);
  });
});
