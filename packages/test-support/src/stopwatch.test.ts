import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startStopwatch } from './stopwatch.ts';

it('counts elapsed time, and a gap of the event loop as 20 ms at most', async () => {
  const startedMono = performance.now();
  using watch = startStopwatch();
  await delay(100);
  const countedMs = watch.elapsedMs();
  expect(countedMs).toBeGreaterThan(0);
  expect(countedMs).toBeLessThanOrEqual(performance.now() - startedMono);
  const untilMono = performance.now() + 200;
  while (performance.now() < untilMono);
  expect(watch.elapsedMs() - countedMs).toBeLessThanOrEqual(20);
});
