import { setTimeout as sleep } from 'node:timers/promises';

export interface OpenLoopOptions {
  readonly perSecond: number;
  readonly count: number;
  readonly request: (at: number) => Promise<void>;
}

/**
 * Issues requests at a given rate, independent of their replies, and returns the latency of each *from the time at which it was
 * due*, in ms: a server that stalls for 100 ms delays every request that was due in that time, also when the sender was late
 * because of it (no coordinated omission).
 *
 * It keeps one number per answered request, since objects kept by the sender would be scanned by its garbage collector again and
 * again and delay all requests.
 */
export async function openLoop(options: OpenLoopOptions): Promise<Float64Array> {
  const { perSecond, count, request } = options;
  const latencies = new Float64Array(count);
  if (count === 0) return latencies;
  const all = Promise.withResolvers<void>();
  const startedMono = performance.now();
  let answered = 0;
  const issue = async (at: number): Promise<void> => {
    const dueMono = startedMono + (at * 1000) / perSecond;
    await request(at);
    latencies[at] = performance.now() - dueMono;
    if (++answered === count) all.resolve();
  };
  for (let next = 0; next < count; await sleep(1)) {
    const due = Math.ceil(((performance.now() - startedMono) * perSecond) / 1000);
    while (next < Math.min(due, count)) issue(next++).catch(all.reject);
  }
  await all.promise;
  return latencies;
}
