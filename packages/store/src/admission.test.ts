import { describe, expect, it } from 'vitest';
import { hasHighPriorityRoom, hasRoom, retryAfterMs } from './admission.ts';

/** How many operations of each session are admitted when sessions of several routers send in turn without end. */
function admitted(max: number, sessionsOfRouters: readonly number[]): number[][] {
  const inside = sessionsOfRouters.map((sessions) => Array<number>(sessions).fill(0));
  const sum = (counts: readonly number[]): number => counts.reduce((one, other) => one + other, 0);
  for (let round = 0; round < max; round++) {
    for (const router of inside) {
      for (const [at, ofFlow] of router.entries()) {
        const queued = sum(inside.map(sum));
        if (hasRoom({ max, queued, ofRouter: sum(router), ofFlow })) router[at] = ofFlow + 1;
      }
    }
  }
  return inside;
}

describe('hasRoom', () => {
  it('lets a single session fill half of the queue', () => {
    expect(admitted(1000, [1])).toEqual([[500]]);
  });

  it('shares the queue evenly between sessions and leaves room for one more', () => {
    expect(admitted(1000, [3])).toEqual([[250, 250, 250]]);
  });

  it('leaves room for another router when one router has many sessions', () => {
    const [[...crowd], [single]] = admitted(1000, [50, 1]) as [number[], number[]];
    expect(crowd.reduce((one, other) => one + other)).toBeLessThanOrEqual(800);
    expect(single).toBeGreaterThan(0);
    expect(hasRoom({ max: 1000, queued: 999, ofRouter: 0, ofFlow: 0 })).toBe(true);
  });

  it('admits nothing when the queue is full', () => {
    expect(hasRoom({ max: 10, queued: 10, ofRouter: 0, ofFlow: 0 })).toBe(false);
  });

  it('admits high-priority operations up to twice the limit', () => {
    expect(hasHighPriorityRoom({ max: 10, queued: 19 })).toBe(true);
    expect(hasHighPriorityRoom({ max: 10, queued: 20 })).toBe(false);
  });
});

describe('retryAfterMs', () => {
  it('is the time until the queued operations are decided', () => {
    expect(retryAfterMs(10_000, 1024, 6)).toBe(60);
  });

  it('stays between 20 ms and 2 s', () => {
    expect([retryAfterMs(1, 1024, 1), retryAfterMs(1_000_000, 1, 1000)]).toEqual([20, 2000]);
  });
});
