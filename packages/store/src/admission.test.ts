import { describe, expect, it } from 'vitest';
import { hasRoom, hasUrgentRoom, retryAfterMs } from './admission.ts';

/** How many get in, one after the other, of routers and sessions that ask in turn and without end. */
function admitted(most: number, sessionsOfRouters: readonly number[]): number[][] {
  const inside = sessionsOfRouters.map((sessions) => Array<number>(sessions).fill(0));
  const sum = (counts: readonly number[]): number => counts.reduce((one, other) => one + other, 0);
  for (let round = 0; round < most; round++) {
    for (const router of inside) {
      for (const [at, ofSession] of router.entries()) {
        const waiting = sum(inside.map(sum));
        if (hasRoom({ most, waiting, ofRouter: sum(router), ofSession }))
          router[at] = ofSession + 1;
      }
    }
  }
  return inside;
}

describe('who may wait', () => {
  it('one session alone may fill half of the queue', () => {
    expect(admitted(1000, [1])).toEqual([[500]]);
  });

  it('sessions share alike, and leave room for one more', () => {
    expect(admitted(1000, [3])).toEqual([[250, 250, 250]]);
  });

  it('a router of many sessions leaves room for another router', () => {
    const [[...crowd], [single]] = admitted(1000, [50, 1]) as [number[], number[]];
    expect(crowd.reduce((one, other) => one + other)).toBeLessThanOrEqual(800);
    expect(single).toBeGreaterThan(0);
    expect(hasRoom({ most: 1000, waiting: 999, ofRouter: 0, ofSession: 0 })).toBe(true);
  });

  it('nobody, when the queue is full', () => {
    expect(hasRoom({ most: 10, waiting: 10, ofRouter: 0, ofSession: 0 })).toBe(false);
  });

  it('what is urgent, also then, up to as many again', () => {
    expect(hasUrgentRoom({ most: 10, waiting: 19 })).toBe(true);
    expect(hasUrgentRoom({ most: 10, waiting: 20 })).toBe(false);
  });
});

describe('when to come back', () => {
  it('is when what waits is decided', () => {
    expect(retryAfterMs(10_000, 1024, 6)).toBe(60);
  });

  it('is never at once, and never after long', () => {
    expect([retryAfterMs(1, 1024, 1), retryAfterMs(1_000_000, 1, 1000)]).toEqual([20, 2000]);
  });
});
