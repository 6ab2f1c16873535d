import { describe, expect, it } from 'vitest';
import { dividedBy, median, number, quantile, spreadOf } from './statistics.ts';

describe('the median of several rounds', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[10, 9, 1_000], 10],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  it('of no rounds is NaN', () => {
    expect(median([])).toBeNaN();
  });
});

describe('a quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);

  it('is a measured value, by rank', () => {
    expect([0, 0.5, 0.99, 0.999, 1].map((part) => quantile(hundred, part))).toEqual([
      1, 50, 99, 100, 100,
    ]);
  });

  it('does not change the values, also many of them', () => {
    const many = Float64Array.from({ length: 300_000 }, (_, at) => at % 1000);
    expect(quantile([...many], 0.99)).toBe(989);
    expect(hundred[0]).toBe(100);
  });
});

describe('a spread', () => {
  it('has the lowest, the quartiles, the median and the highest', () => {
    expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ min: 1, lower: 2, median: 3, upper: 4, max: 5 });
  });
});

describe('a ratio of two contenders', () => {
  it('is formed round by round, so that a slow round of both cancels out', () => {
    expect(dividedBy([100, 20, 90], [50, 10, 45])).toEqual([2, 2, 2]);
  });

  it('has the rounds that both have', () => {
    expect(dividedBy([1, 2, 3], [1])).toEqual([1]);
  });
});

describe('a number as text', () => {
  it.each([
    [123_456.7, '123 457'],
    [99.96, '100'],
    [12.345, '12.3'],
    [0.12345, '0.12'],
    [Number.NaN, '–'],
  ])('of %d is %s', (value, text) => {
    expect(number(value)).toBe(text);
  });
});
