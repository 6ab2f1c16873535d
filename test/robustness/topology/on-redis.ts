import { Redis } from 'ioredis';
import type { Named } from './system.ts';

const WITHIN_MS = 5_000;

/** Asks a Redis over a connection of its own, that ends with the call. */
export async function onRedis<Reply>(
  { server }: Named,
  task: (redis: Redis) => Promise<Reply>,
): Promise<Reply> {
  const redis = new Redis(server.url, {
    retryStrategy: () => null,
    connectTimeout: WITHIN_MS,
    commandTimeout: WITHIN_MS,
  });
  // The commands reject as well, and say more.
  redis.on('error', () => {});
  try {
    return await task(redis);
  } finally {
    redis.disconnect();
  }
}
