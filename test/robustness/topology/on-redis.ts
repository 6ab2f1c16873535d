import { Redis } from 'ioredis';
import type { Named } from './system.ts';

const WITHIN_MS = 5_000;

/** Runs a task over a new connection to a Redis. */
export async function onRedis<Reply>(
  { server }: Named,
  task: (redis: Redis) => Promise<Reply>,
): Promise<Reply> {
  const redis = new Redis(server.url, {
    retryStrategy: () => null,
    connectTimeout: WITHIN_MS,
    commandTimeout: WITHIN_MS,
  });
  // The commands reject with a better error.
  redis.on('error', () => {});
  try {
    return await task(redis);
  } finally {
    redis.disconnect();
  }
}
