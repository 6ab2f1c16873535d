import { expect, it } from 'vitest';
import { ServedTime } from './served-time.ts';

it('counts nothing before the process serves', () => {
  expect(new ServedTime(500).totalMs(10_000)).toBe(0);
});

it('counts the time between two calls that are close enough', () => {
  const served = new ServedTime(500);
  for (const nowMono of [1_000, 1_250, 1_500]) served.extend(nowMono);
  expect(served.totalMs(1_600)).toBe(600);
});

it('counts no more than was promised while the process stands still or is not reachable', () => {
  const served = new ServedTime(500);
  served.extend(1_000);
  expect(served.totalMs(61_000)).toBe(500);
  served.extend(61_000);
  expect(served.totalMs(61_100)).toBe(600);
});
