import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { EventMessage } from '../support/raw-operations.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { unpack } from '../support/raw-codec.ts';

/** Far above the duration of any sweep. */
const GIVE_UP_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 10;

export interface Over {
  /** The times at which `expired` was received and at which no interface was left, on this process's monotonic clock. */
  readonly beganMono: number;
  readonly endedMono: number;
  /** The time from the end of the session until no interface was left, on the store's clock; late by one poll at most. */
  readonly tookMs: number;
}

/**
 * Waits for the end of the session that owns `interfaces` interfaces, and until none of them is left. It polls, since a watcher of
 * every event would need a core of this machine and so disturb the other workers.
 */
export async function watchDeath(
  redis: Redis,
  { keyPrefix, router, interfaces }: { keyPrefix: string; router: RawRouter; interfaces: number },
): Promise<() => Promise<Over>> {
  const owned = await ownedKey(redis, `${keyPrefix}:{${router.name}}:owned:*`, interfaces);
  const { promise: expired, resolve } = Promise.withResolvers<{ ts: number; mono: number }>();
  const subject = `${router.prefix}.${router.name}.event.expired`;
  const subscription = router.nats.subscribe(subject, {
    max: 1,
    callback: (_, { data }) =>
      resolve({ ts: (unpack(data) as EventMessage).ts, mono: performance.now() }),
  });
  await router.nats.flush();
  return async () => {
    const giveUpMono = performance.now() + GIVE_UP_AFTER_MS;
    for (let left = interfaces; left > 0; left = await redis.zcard(owned)) {
      if (performance.now() > giveUpMono) {
        subscription.unsubscribe();
        throw new Error(`${left} of ${interfaces} are left after ${GIVE_UP_AFTER_MS} ms`);
      }
      await sleep(LOOK_EVERY_MS);
    }
    const endedMono = performance.now();
    const [seconds, microseconds] = (await redis.time()).map(Number);
    const { ts, mono: beganMono } = await expired;
    const nowMs = (seconds ?? 0) * 1_000 + (microseconds ?? 0) / 1_000;
    return { beganMono, endedMono, tookMs: nowMs - ts };
  };
}

/** The key of the newest session with this number of interfaces. */
async function ownedKey(redis: Redis, pattern: string, interfaces: number): Promise<string> {
  const keys = await redis.keys(pattern);
  const numberOf = (key: string) => Number(key.slice(key.lastIndexOf(':') + 1));
  for (const key of keys.toSorted((a, b) => numberOf(b) - numberOf(a))) {
    if ((await redis.zcard(key)) === interfaces) return key;
  }
  throw new Error(`no session has ${interfaces} interfaces`);
}
