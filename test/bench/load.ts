import { pairs, type RawSession } from '../support/raw-client.ts';
import { ok } from '../support/raw-replies.ts';

/** The most interfaces of one request (wire contract, section 2). */
const BULK = 1024;

/** Runs `task` for 0 to `count - 1`, at most `width` concurrently. */
export async function inFlight(
  count: number,
  width: number,
  task: (at: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, line));
}

/** The rate per second of a `task` that makes `count` of them. */
export async function perSecond(count: number, task: () => Promise<void>): Promise<number> {
  const startedMono = performance.now();
  await task();
  return (count * 1000) / (performance.now() - startedMono);
}

/** Takes interfaces 1 to `count`, many per request. */
export async function takeMany(session: RawSession, count: number): Promise<void> {
  for (let first = 1; first <= count; first += BULK) {
    const { results } = ok(await session.takeAll(pairs(Math.min(BULK, count - first + 1), first)));
    const refused = results.find((result) => result.status !== 0);
    if (refused) throw new Error(`refused: ${JSON.stringify(refused)}`);
  }
}

/** Resolves after `ms`: for the duration of a measurement, not to wait for a condition. */
export function lasting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
