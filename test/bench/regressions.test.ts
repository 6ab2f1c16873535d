import { describe, expect, it } from 'vitest';
import type { Figure } from './figures.ts';
import { compare } from './regressions.ts';
import type { Section } from './report.ts';

const section = (...figures: Figure[]): Section => ({
  scenario: 'takes',
  at: '2026-11-23T00:00:00.000Z',
  servers: 'servers: none',
  machine: { cpu: 'any', cores: 2, memoryGiB: 4, kernel: '6', node: '24.0.0' },
  loadBefore: 1,
  quick: false,
  figures,
});

const ratioOf = (values: number[], target: Figure['target'] = { atLeast: 1 }): Figure => ({
  id: 'takes.a/b',
  what: 'a / b',
  unit: '×',
  values,
  target,
});

describe('a run compared with the record', () => {
  const recorded = [section(ratioOf([1.0, 1.1, 1.2, 1.3, 1.4]))];
  const worseBy = (values: number[]): number =>
    compare(recorded, [section(ratioOf(values))]).regressions.length;

  it('is worse when its rounds are below the recorded ones', () => {
    expect(worseBy([0.7, 0.8, 0.9, 1.0, 1.05])).toBe(1);
    expect(compare(recorded, [section(ratioOf([0.5]))]).regressions[0]?.text).toBe(
      '0.5 to 0.5, recorded 1.1 to 1.3',
    );
  });

  it('is not worse within the spread, for one outlier, or when it is better', () => {
    expect(worseBy([1.0, 1.05, 1.1, 1.15, 1.2])).toBe(0);
    expect(worseBy([0.1, 1.1, 1.2, 1.2, 1.3])).toBe(0);
    expect(worseBy([2, 2, 2, 2, 2])).toBe(0);
  });

  it('is worse above the recorded rounds when less is better', () => {
    const atMost = { atMost: 1.5 };
    const before = [section(ratioOf([1.2, 1.3, 1.4], atMost))];
    expect(compare(before, [section(ratioOf([1.6, 1.7, 1.8], atMost))]).regressions).toHaveLength(
      1,
    );
    expect(compare(before, [section(ratioOf([0.6, 0.7, 0.8], atMost))]).regressions).toEqual([]);
  });

  it('compares only ratios with a target, and counts them', () => {
    const time: Figure = { ...ratioOf([9]), id: 'takes.a', unit: 'ms' };
    const { target, ...onlyReported } = ratioOf([9]);
    expect(target).toBeDefined();
    expect(compare(recorded, [section(time, { ...onlyReported, id: 'x' })]).compared).toBe(0);
    expect(compare(recorded, [section(ratioOf([1.2]))]).compared).toBe(1);
  });
});
