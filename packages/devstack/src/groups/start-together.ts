import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DevstackError, messageOf } from '../errors.ts';
import type { RunningServer } from '../servers.ts';

/** Three servers of a kind: the smallest number that keeps a majority without one of them. */
export type Trio = readonly [RunningServer, RunningServer, RunningServer];

/** Makes a starting server part of the group, which ends it, and returns it. */
export type Own = (starting: Promise<RunningServer>) => Promise<RunningServer>;

/**
 * Starts a group of servers in one folder. They end when the result is disposed, or when `start` rejects; then the folder is
 * removed.
 */
export async function startTogether<Group extends object>(
  name: string,
  start: (root: string, own: Own) => Promise<Group>,
): Promise<Group & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), `mgm-${name}-`));
  const servers: Promise<RunningServer>[] = [];
  const end = async (): Promise<void> => {
    // Servers that failed to start left nothing; others may still be starting.
    await Promise.allSettled(servers.map(async (server) => (await server).stop()));
    await rm(root, { recursive: true, force: true });
  };
  const own: Own = (starting) => {
    servers.push(starting);
    return starting;
  };
  try {
    const group = await start(root, own);
    return Object.assign(group, { [Symbol.asyncDispose]: end });
  } catch (error) {
    await end();
    throw error;
  }
}

const WITHIN_MS = 20_000;
const POLL_MS = 25;

/** Polls until a group of servers is ready; rejects with `start-failed` after 20 s. */
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
