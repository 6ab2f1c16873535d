import type { Redis } from 'ioredis';
import { onRedis } from '../topology/on-redis.ts';
import type { Fault } from './fault.ts';
import type { Targets } from './targets.ts';

/** Faults of the store itself: it refuses writes, loses its functions, or its clock jumps. */
export function storeFaults({ servers }: Targets): Fault[] {
  return [
    setting('script-flush', servers, async (redis) => {
      await redis.script('FLUSH');
      await redis.function('FLUSH');
    }),
    setting('maxmemory', servers, config('maxmemory', '1mb'), config('maxmemory', '0')),
    setting(
      'noreplicas',
      servers,
      config('min-replicas-to-write', '9'),
      config('min-replicas-to-write', '0'),
    ),
    setting(
      'readonly',
      servers,
      (redis) => redis.replicaof('127.0.0.1', 1),
      (redis) => redis.replicaof('NO', 'ONE'),
    ),
    clockStep(servers),
  ];
}

type Task = (redis: Redis) => Promise<unknown>;

function config(name: string, value: string): Task {
  return (redis) => redis.config('SET', name, value);
}

/** Applies a setting to all primaries, and the opposite to the same servers to heal. */
function setting(name: string, servers: Targets['servers'], does: Task, undoes?: Task): Fault {
  return {
    name,
    inject: async () => {
      const hit = await servers.primaries();
      for (const one of hit) await onRedis(one, does);
      return {
        what: hit.map((one) => one.name).join(', '),
        heal: async () => {
          if (undoes) for (const one of hit) await onRedis(one, undoes);
        },
      };
    },
  };
}

function clockStep({ moveClock }: Targets['servers']): Fault {
  return {
    name: 'clock-step',
    inject: async (chance) => {
      const offsetS = chance.one([-3_600, -60, -5, 5, 60, 3_600]);
      await moveClock?.(offsetS);
      return {
        what: `${offsetS > 0 ? '+' : ''}${offsetS} s`,
        heal: async () => moveClock?.(0),
      };
    },
  };
}
