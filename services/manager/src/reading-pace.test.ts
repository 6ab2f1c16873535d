import { describe, expect, it } from 'vitest';
import { ReadingPace } from './reading-pace.ts';

/** Arrivals as `[ms, kind]`; answers at which of them the bus was left unread. */
function restsAt(...arrivals: readonly [ms: number, kind: 'keepalive' | 'take'][]): number[] {
  const rests: number[] = [];
  let nowMs = 0;
  const pace = new ReadingPace(() => rests.push(nowMs));
  for (const [ms, kind] of arrivals) {
    nowMs = ms;
    pace.arrived(kind === 'keepalive', ms);
  }
  return rests;
}

describe('the bus is left unread', () => {
  it('while keepalives alone come close behind each other', () => {
    expect(restsAt([1000, 'keepalive'], [1000.5, 'keepalive'], [1001, 'keepalive'])).toEqual([
      1000.5, 1001,
    ]);
  });

  it('not for one that comes now and then', () => {
    expect(restsAt([1000, 'keepalive'], [1003, 'keepalive'], [1006, 'keepalive'])).toEqual([]);
  });

  it('not within a moment of what somebody waits for', () => {
    const crowd = (ms: number): [number, 'keepalive'][] => [
      [ms, 'keepalive'],
      [ms + 0.5, 'keepalive'],
    ];
    expect(restsAt([1000, 'take'], ...crowd(1001), ...crowd(1090), ...crowd(1200))).toEqual([
      1200.5,
    ]);
  });
});
