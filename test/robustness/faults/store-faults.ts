import type { Redis } from 'ioredis';
import type { Fault, Targets } from './fault.ts';

/** Faults of the store that need no process or link to break: it refuses, forgets its scripts, or its clock jumps. */
export function storeFaults({ servers }: Targets): Fault[] {
  return [
    setting('script-flush', servers, (redis) => redis.script('FLUSH')),
    setting(
      'maxmemory',
      servers,
      (redis) => redis.config('SET', 'maxmemory', '1mb'),
      (redis) => redis.config('SET', 'maxmemory', '0'),
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

function setting(name: string, servers: Targets['servers'], does: Task, undoes?: Task): Fault {
  const everywhere = async (task: Task): Promise<string[]> => {
    const names: string[] = [];
    await servers.onPrimaries(async (redis, server) => {
      await task(redis);
      names.push(server);
    });
    return names;
  };
  return {
    name,
    inject: async () => {
      const hit = await everywhere(does);
      return {
        what: hit.join(', '),
        heal: async () => void (undoes && (await everywhere(undoes))),
      };
    },
  };
}

function clockStep({ moveClock }: Targets['servers']): Fault {
  return {
    name: 'clock-step',
    unavailable: moveClock ? undefined : "the store's clock can't be moved here",
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
