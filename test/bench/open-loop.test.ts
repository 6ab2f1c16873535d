import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openLoop } from './open-loop.ts';

const STOPPED_MS = 200;

describe('a load at a given rate', () => {
  it('issues each request once and in order', async () => {
    const asked: number[] = [];
    const latencies = await openLoop({
      perSecond: 10_000,
      count: 500,
      request: async (at) => void asked.push(at),
    });
    expect(asked).toEqual(Array.from({ length: 500 }, (_, at) => at));
    expect(latencies).toHaveLength(500);
    expect(latencies.every((ms) => ms >= 0)).toBe(true);
  });

  it('ends immediately without requests', async () => {
    const request = () => Promise.reject(new Error('asked'));
    expect(await openLoop({ perSecond: 1, count: 0, request })).toHaveLength(0);
  });

  it('counts a stall for every request that was due during it', async () => {
    let resumed: Promise<void> | undefined;
    // Begins with the first request, however late the machine lets that one start.
    const request = () => (resumed ??= sleep(STOPPED_MS));
    const latencies = await openLoop({ perSecond: 1_000, count: 150, request });
    // The first request waits for the whole stall, one that is due 150 ms later for the rest of it.
    for (const [at, ms] of latencies.entries()) expect(ms).toBeGreaterThan(STOPPED_MS - at - 20);
  });

  it('counts the delay of the sender for each request', async () => {
    const blockedMs = 100;
    const latencies = await openLoop({
      perSecond: 1_000,
      count: 60,
      request: async (at) => {
        if (at === 0) blockFor(blockedMs);
      },
    });
    // All of them were due while the sender was blocked.
    expect(Math.min(...latencies.slice(1))).toBeGreaterThan(blockedMs - 60 - 20);
  });
});

function blockFor(ms: number): void {
  const untilMono = performance.now() + ms;
  while (performance.now() < untilMono);
}
