import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openLoop } from './open-loop.ts';

const STOPPED_MS = 200;

describe('a load at a given rate', () => {
  it('asks for all, each once and in order', async () => {
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

  it('is over at once where nothing is to be asked', async () => {
    const request = () => Promise.reject(new Error('asked'));
    expect(await openLoop({ perSecond: 1, count: 0, request })).toHaveLength(0);
  });

  it('charges a stop to every request that was due meanwhile', async () => {
    let resumed: Promise<void> | undefined;
    // Begins with the first request, however late the machine lets that one start.
    const request = () => (resumed ??= sleep(STOPPED_MS));
    const latencies = await openLoop({ perSecond: 1_000, count: 150, request });
    // The first waited for all of the stop, one that was due 150 ms later for what was left of it.
    for (const [at, ms] of latencies.entries()) expect(ms).toBeGreaterThan(STOPPED_MS - at - 20);
  });

  it('charges a request also with what made its sender late', async () => {
    const blockedMs = 100;
    const latencies = await openLoop({
      perSecond: 1_000,
      count: 60,
      request: async (at) => {
        if (at === 0) blockFor(blockedMs);
      },
    });
    // All of them were due while the sender could do nothing.
    expect(Math.min(...latencies.slice(1))).toBeGreaterThan(blockedMs - 60 - 20);
  });
});

function blockFor(ms: number): void {
  const untilMono = performance.now() + ms;
  while (performance.now() < untilMono);
}
