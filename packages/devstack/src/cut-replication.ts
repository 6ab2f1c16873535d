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
  const allow = (sign: '+' | '-'): Promise<unknown> =>
    askRedis(primary, access, 'ACL', 'SETUSER', 'default', `${sign}psync`, `${sign}sync`);
  await allow('-');
  await askRedis(primary, access, 'CLIENT', 'KILL', 'TYPE', 'replica');
  return {
    [Symbol.asyncDispose]: async () => {
      // One that was killed meanwhile forgets the cut by itself.
      await allow('+').catch(() => {});
    },
  };
}
