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
 */
export async function openLoop({ perSecond, count, request }: OpenLoopOptions): Promise<number[]> {
  const latencies = Array.from({ length: count }, () => 0);
  const answers: Promise<void>[] = [];
  const startedMono = performance.now();
  const issue = async (at: number): Promise<void> => {
    const dueMono = startedMono + (at * 1000) / perSecond;
    await request(at);
    latencies[at] = performance.now() - dueMono;
  };
  while (answers.length < count) {
    const due = Math.ceil(((performance.now() - startedMono) * perSecond) / 1000);
    while (answers.length < Math.min(due, count)) answers.push(issue(answers.length));
    await sleep(1);
  }
  await Promise.all(answers);
  return latencies;
}
