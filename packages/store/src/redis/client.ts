import { Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress, RedisCredentials } from './url.ts';

/** The address of one connection: a Redis, or the primary that sentinels name at that moment. */
export type ConnectionAddress = Exclude<RedisAddress, { kind: 'cluster' }> & {
  readonly credentials?: RedisCredentials;
};

export interface ClientLimits {
  readonly connectWithinMs: number;
  /** The pause before the next attempt to connect, in ms, after this many failed ones; null stops trying. */
  readonly pauseMs: (failed: number) => number | null;
}

/** A connection that sends nothing before `connect`, never sends anything twice and has no offline queue. */
export function openRedis(
  address: ConnectionAddress,
  { connectWithinMs, pauseMs }: ClientLimits,
): Redis {
  const { username, password, tls, db, credentials } = address;
  const certificates = { ...credentials?.tls };
  const options = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: certificates }),
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
    ...(tls && { sentinelTLS: certificates }),
    ...(credentials?.sentinelPassword !== undefined && {
      sentinelPassword: credentials.sentinelPassword,
    }),
    sentinelCommandTimeout: connectWithinMs,
    // Tries the next sentinel immediately, and all of them again after a pause.
    sentinelRetryStrategy: pauseMs,
    // Subscribes to the sentinels for failovers, which a dead primary cannot announce.
    failoverDetector: true,
  });
}

/** Runs one command on a connection of its own. */
export async function runOnce(
  address: ConnectionAddress,
  withinMs: number,
  command: string,
  ...args: string[]
): Promise<unknown> {
  const redis = openRedis(address, { connectWithinMs: withinMs, pauseMs: () => null });
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs);
  // The error event names the cause; the call only learns that the connection was closed.
  redis.on('error', reject);
  const reply = redis.connect().then(() => redis.call(command, ...args));
  try {
    return await Promise.race([failed, reply]);
  } finally {
    clearTimeout(timer);
    reply.catch(() => {});
    failed.catch(() => {});
    redis.disconnect();
  }
}
