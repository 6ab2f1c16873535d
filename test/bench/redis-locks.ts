import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE, type Takes } from './own-takes.ts';
import type { Rig } from './rig.ts';

const TTL_MS = 300_000;

/** A minimal lock with a fencing token: no session, no log, no kept replies. */
const FENCED_LOCK = `
  if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
  return redis.call('INCR', KEYS[2])`;

/** `SET key owner NX PX ttl`, one command per take. */
export function plainSet(rig: Rig): Takes {
  const redis = connected(rig);
  const prefix = `plain:${randomUUID()}:`;
  return (count) =>
    lockAndUnlock(redis, prefix, count, async (key) =>
      mustBe('OK', await redis.set(key, 'owner', 'PX', TTL_MS, 'NX')),
    );
}

/** The fenced lock, one EVALSHA per take. */
export async function fencedLock(rig: Rig): Promise<Takes> {
  const redis = connected(rig);
  const prefix = `fenced:${randomUUID()}:`;
  const take = await fencedTake(redis, prefix);
  return (count) => lockAndUnlock(redis, prefix, count, take);
}

/** Takes one key by the fenced lock. */
export async function fencedTake(
  redis: Redis,
  prefix: string,
): Promise<(key: string) => Promise<void>> {
  const sha = String(await redis.script('LOAD', FENCED_LOCK));
  return async (key) => {
    const token = await redis.evalsha(sha, 2, key, `${prefix}fence`, 'owner', TTL_MS);
    if (token === 0) throw new Error(`${key} is taken`);
  };
}

function connected({ redisServer, owned }: Rig): Redis {
  const redis = new Redis(redisServer.url);
  owned.defer(() => redis.disconnect());
  return redis;
}

async function lockAndUnlock(
  redis: Redis,
  prefix: string,
  count: number,
  take: (key: string) => Promise<void>,
): Promise<number> {
  const rate = await perSecond(count, () =>
    inFlight(count, AT_ONCE, (at) => take(`${prefix}${at}`)),
  );
  await inFlight(count, AT_ONCE, async (at) => {
    await redis.del(`${prefix}${at}`);
  });
  return rate;
}

function mustBe(wanted: string, answer: unknown): void {
  if (answer !== wanted) throw new Error(`Redis answered ${String(answer)}, not ${wanted}`);
}
