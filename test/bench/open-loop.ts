import { setTimeout as sleep } from 'node:timers/promises';

export interface OpenLoopOptions {
  readonly perSecond: number;
  readonly count: number;
  readonly request: (at: number) => Promise<void>;
}

/**
 * Issues requests at a given rate, however long their answers take, and tells how long each took *from the moment at which it
 * was due*: a server that stops for 100 ms is charged with every request that was due meanwhile, also where the sender was late
 * because of it (no coordinated omission). In ms.
 *
 * Of a request that was answered it keeps one number: what a sender keeps, its garbage collector goes through again and again,
 * and everybody is late.
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
