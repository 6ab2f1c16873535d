import type { Redis } from 'ioredis';

const FUNCTION_CALLS = /^cmdstat_fcall:calls=(\d+),usec=(\d+)/m;

/** The time, in µs, that Redis spent in calls of functions while `task` ran: the load of the machine matters less to it. */
export async function functionMicros(redis: Redis, task: () => Promise<unknown>): Promise<number> {
  const before = await microsSoFar(redis);
  await task();
  return (await microsSoFar(redis)) - before;
}

async function microsSoFar(redis: Redis): Promise<number> {
  const [, , micros = '0'] = FUNCTION_CALLS.exec(await redis.info('commandstats')) ?? [];
  return Number(micros);
}

/** Bytes that Redis has allocated. */
export async function usedBytes(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}
