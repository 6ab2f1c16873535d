import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from './servers.ts';

/** Three servers of a kind: the fewest that can outvote one that is gone. */
export type Trio = readonly [RunningServer, RunningServer, RunningServer];

/** Takes on the life of a server from its start on, and gives it back. */
export type Own = (starting: Promise<RunningServer>) => Promise<RunningServer>;

/**
 * Starts servers that belong together, in one folder. What `start` owns ends with what is returned, or at once when it
 * rejects; the folder goes last.
 */
export async function startTogether<Group extends object>(
  name: string,
  start: (root: string, own: Own) => Promise<Group>,
): Promise<Group & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), `mgm-${name}-`));
  const servers: Promise<RunningServer>[] = [];
  const end = async (): Promise<void> => {
    // Of one that never started nothing is left; others may still be starting.
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
