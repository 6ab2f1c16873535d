import type { Redis } from 'ioredis';
import type { LeftKey } from './check/leftovers.ts';
import type { StoredMemberships } from './check/evidence.ts';
import { onRedis } from './topology/on-redis.ts';
import type { Servers } from './topology/system.ts';

/** The keys that a router has in the store. */
export async function keysOf(servers: Servers, router: string): Promise<LeftKey[]> {
  const found: LeftKey[] = [];
  await onEachKey(servers, router, async (redis, key) => {
    const [keptForMs, bytes] = await Promise.all([redis.pttl(key), redis.memory('USAGE', key)]);
    // The key may have expired in between.
    if (typeof bytes === 'number') found.push({ key, keptForMs, bytes });
  });
  return found;
}

/** What the store keeps of a router's memberships. */
export async function storedMemberships(
  servers: Servers,
  router: string,
): Promise<StoredMemberships> {
  let [schema, slots, entries, interfaces, withdrawn] = [0, 0, 0, 0, 0];
  const prefix = `mgm:{${router}}:`;
  await onEachKey(servers, router, async (redis, key) => {
    const name = key.slice(prefix.length);
    if (name === 'meta') schema = Number(await redis.hget(key, 'schema'));
    if (name === 'slots') slots = await redis.hlen(key);
    if (name === 'entries') entries = await redis.zcard(key);
    if (name.startsWith('on:')) interfaces++;
    if (name === 'void' || name === 'voided') withdrawn++;
  });
  return { schema, slots, entries, interfaces, withdrawn };
}

async function onEachKey(
  servers: Servers,
  router: string,
  look: (redis: Redis, key: string) => Promise<void>,
): Promise<void> {
  for (const primary of await servers.primaries()) {
    await onRedis(primary, async (redis) => {
      for await (const keys of redis.scanStream({ match: `mgm:{${router}}:*`, count: 1_000 })) {
        for (const key of keys as string[]) await look(redis, key);
      }
    });
  }
}
