import { Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './redis-url.ts';

/** Where one connection leads: to a Redis, or to the one that sentinels name at that moment. */
export type ConnectionAddress = Exclude<RedisAddress, { kind: 'cluster' }>;

export interface ClientLimits {
  readonly connectWithinMs: number;
  /** The pause before the next try to connect, in ms, after so many that failed; null for no other try. */
  readonly pauseMs: (failed: number) => number | null;
}

/** A connection that sends nothing before `connect`, nothing twice, and keeps nothing for later. */
export function openRedis(
  address: ConnectionAddress,
  { connectWithinMs, pauseMs }: ClientLimits,
): Redis {
  const { username, password, tls, db } = address;
  const options = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    db,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    connectTimeout: connectWithinMs,
    retryStrategy: pauseMs,
  } satisfies RedisOptions;
  if (address.kind === 'single') {
    return new Redis({ ...options, host: address.host, port: address.port });
  }
  return new Redis({
    ...options,
    sentinels: [...address.sentinels],
    name: address.service,
    enableTLSForSentinelMode: tls,
    ...(tls && { sentinelTLS: {} }),
    sentinelCommandTimeout: connectWithinMs,
    // Asks the next sentinel at once, all of them again after a pause.
    sentinelRetryStrategy: pauseMs,
    // The sentinels say when the primary changed, which it may be unable to say itself.
    failoverDetector: true,
  });
}

/** Asks one thing on a connection of its own. */
export async function askOnce(
  address: ConnectionAddress,
  withinMs: number,
  command: string,
  ...args: string[]
): Promise<unknown> {
  const redis = openRedis(address, { connectWithinMs: withinMs, pauseMs: () => null });
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs);
  // What it tells says more than the call, which only learns that the connection was closed.
  redis.on('error', reject);
  const asked = redis.connect().then(() => redis.call(command, ...args));
  try {
    return await Promise.race([failed, asked]);
  } finally {
    clearTimeout(timer);
    asked.catch(() => {});
    failed.catch(() => {});
    redis.disconnect();
  }
}
