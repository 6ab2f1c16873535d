import { askRedis, type RedisNodesOptions } from './redis-node.ts';
import type { RunningServer } from './servers.ts';

/**
 * Cuts a primary off from its replicas and lets none of them back until the cut is disposed of, while it serves everybody else:
 * what it takes from now on is on itself alone, and lost with it. Works in every topology, without a proxy: the right to
 * follow is taken from the user whom all share. `access` is what the nodes were started with.
 */
export async function cutReplication(
  primary: RunningServer,
  access: RedisNodesOptions = {},
): Promise<AsyncDisposable> {
  const ask = (...rules: string[]): Promise<unknown> =>
    askRedis(primary, access, 'ACL', 'SETUSER', 'default', ...rules);
  await ask('-psync', '-sync');
  await askRedis(primary, access, 'CLIENT', 'KILL', 'TYPE', 'replica');
  return {
    [Symbol.asyncDispose]: async () => {
      // Not `sync`, which a replica falls back to when `psync` was refused: one that is let in by it never says how far it
      // is, and counts as having nothing until it is cut off again. One that was killed meanwhile forgets all by itself.
      await ask('+psync').catch(() => {});
    },
  };
}
