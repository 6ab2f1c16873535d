import { describe, expect, it } from 'vitest';
import { Repeats } from './repeats.ts';

const TIMEOUT_MS = 2_000;

/** The shortest and the longest of many random waits. */
function range(wait: () => number): { shortest: number; longest: number } {
  const waits = Array.from({ length: 1_000 }, wait);
  return { shortest: Math.min(...waits), longest: Math.max(...waits) };
}

describe('the wait before a repeat', () => {
  it('is a few hundred ms at first, and twice as long after the second attempt', () => {
    const repeats = new Repeats(0);
    const first = range(() => repeats.waitMs(1, TIMEOUT_MS));
    expect(first.shortest).toBeGreaterThanOrEqual(200);
    expect(first.longest).toBeLessThanOrEqual(300);
    const later = range(() => repeats.waitMs(2, TIMEOUT_MS));
    expect(later.shortest).toBeGreaterThanOrEqual(400);
    expect(later.longest).toBeLessThanOrEqual(600);
  });

  it('is longer than the round trips that were measured, up to the timeout', () => {
    const repeats = new Repeats(0);
    for (let count = 0; count < 100; count++) repeats.answered(600);
    const slow = range(() => repeats.waitMs(1, TIMEOUT_MS));
    expect(slow.shortest).toBeGreaterThanOrEqual(480);
    expect(slow.longest).toBeLessThanOrEqual(800);
    for (let count = 0; count < 100; count++) repeats.answered(5_000);
    expect(range(() => repeats.waitMs(1, TIMEOUT_MS)).longest).toBe(TIMEOUT_MS);
    for (let count = 0; count < 1_000; count++) repeats.answered(1);
    expect(range(() => repeats.waitMs(1, TIMEOUT_MS)).longest).toBeLessThanOrEqual(300);
  });

  it('stays below 600 ms while single replies are slow', () => {
    const repeats = new Repeats(0);
    for (let count = 0; count < 100; count++) repeats.answered(count % 5 === 0 ? 500 : 20);
    expect(range(() => repeats.waitMs(3, TIMEOUT_MS)).longest).toBeLessThanOrEqual(600);
  });

  it('is shorter for a call that must be repeated often, but not than the usual round trip', () => {
    const repeats = new Repeats(0);
    for (let count = 0; count < 100; count++) repeats.answered(1);
    expect(range(() => repeats.waitMs(5, TIMEOUT_MS, 50)).longest).toBeLessThanOrEqual(60);
    for (let count = 0; count < 200; count++) repeats.answered(100);
    expect(range(() => repeats.waitMs(5, TIMEOUT_MS, 50)).shortest).toBeGreaterThanOrEqual(80);
  });

  it('is never longer than the timeout', () => {
    const repeats = new Repeats(0);
    expect(range(() => repeats.waitMs(3, 100)).longest).toBe(100);
  });
});

describe('the budget of repeats', () => {
  const takeAll = (repeats: Repeats, nowMono: number, isUrgent = false): number => {
    let taken = 0;
    while (repeats.take(nowMono, isUrgent)) taken++;
    return taken;
  };

  it('allows 100 per second without replies, after a burst of 100', () => {
    const repeats = new Repeats(0);
    expect(takeAll(repeats, 0)).toBe(80);
    expect(takeAll(repeats, 500)).toBe(50);
    expect(takeAll(repeats, 10_000)).toBe(80);
  });

  it('keeps a part for urgent repeats', () => {
    const repeats = new Repeats(0);
    expect([takeAll(repeats, 0), takeAll(repeats, 0, true)]).toEqual([80, 20]);
  });

  it('gets one for each reply', () => {
    const repeats = new Repeats(0);
    takeAll(repeats, 0);
    for (let count = 0; count < 7; count++) repeats.answered(1);
    expect(takeAll(repeats, 0)).toBe(7);
  });
});
