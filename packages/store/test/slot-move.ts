import type { RedisCluster, RunningServer } from '@mgm/devstack';
import { Redis } from 'ioredis';
import { slotOf } from '../src/redis/slots.ts';

/** One command on a connection of its own. */
export async function nodeSays(
  node: RunningServer | undefined,
  command: string,
  ...args: string[]
): Promise<unknown> {
  if (node === undefined) throw new Error('no such node');
  const redis = new Redis({ host: node.host, port: node.port, retryStrategy: () => null });
  try {
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}

/** The slot of a key on its way to another master. */
export interface SlotMove {
  readonly from: RunningServer;
  readonly to: RunningServer;
  /** Moves the remaining keys, or this many of them, as `redis-cli --cluster reshard` does. */
  keys(most?: number): Promise<void>;
  /** Tells every node that the slot has moved. */
  finish(): Promise<void>;
}

/** Begins to move the slot of a key to another master. */
export async function startMove(redis: RedisCluster, key: string): Promise<SlotMove> {
  const slot = String(slotOf(key));
  const from = await redis.masterOf(key);
  const to = redis.nodes.find((node) => node !== from);
  if (to === undefined) throw new Error('there is no other master');
  const [fromId, toId] = await Promise.all(
    [from, to].map(async (node) => String(await nodeSays(node, 'CLUSTER', 'MYID'))),
  );
  await nodeSays(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId ?? '');
  await nodeSays(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId ?? '');
  return {
    from,
    to,
    keys: async (most = 1_000) => {
      const found = await nodeSays(from, 'CLUSTER', 'GETKEYSINSLOT', slot, String(most));
      const keys = Array.isArray(found) ? found.map(String) : [];
      const place = ['127.0.0.1', String(to.port), '', '0', '5000', 'KEYS'];
      if (keys.length > 0) await nodeSays(from, 'MIGRATE', ...place, ...keys);
    },
    finish: async () => {
      for (const node of [to, ...redis.nodes.filter((other) => other !== to)]) {
        await nodeSays(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId ?? '');
      }
    },
  };
}
