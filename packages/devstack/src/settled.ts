import { setTimeout as delay } from 'node:timers/promises';
import { DevstackError, messageOf } from './errors.ts';

const WITHIN_MS = 20_000;
const POLL_MS = 25;

/** Resolves when servers that have to find each other have done so; rejects with `start-failed` when they do not in 20 s. */
export async function settled(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMono = performance.now() + WITHIN_MS;
  let trouble = '';
  while (performance.now() < deadlineMono) {
    try {
      if (await isSo()) return;
      trouble = '';
    } catch (error) {
      trouble = `: ${messageOf(error)}`;
    }
    await delay(POLL_MS);
  }
  throw new DevstackError(
    'start-failed',
    `${what} was not ready within ${WITHIN_MS / 1000} s${trouble}`,
  );
}
