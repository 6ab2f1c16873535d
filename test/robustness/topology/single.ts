import { startNats, startRedis, startTcpProxy } from '@mgm/devstack';
import { storeClock } from './store-clock.ts';
import type { Servers, ServersOptions } from './system.ts';

/** One NATS server and one Redis; by default `durable`: every write is on disk before its reply. */
export async function startSingle(options: ServersOptions): Promise<Servers> {
  const { choice, durability = 'durable' } = options;
  await using starting = new AsyncDisposableStack();
  const clock = await storeClock(options, starting);
  const appendonly = durability === 'durable';
  const redis = starting.use(await startRedis(clock.choice, { appendonly }));
  const nats = starting.use(await startNats(choice));
  const scope = starting.move();
  return {
    about: choice.reason,
    durability,
    routers: ['r1'],
    nats: [{ name: 'nats', server: nats }],
    redis: [{ name: 'redis', server: redis }],
    others: [],
    // The default timeout, which tests without faults replace.
    env: { MGM_DURABILITY: durability, MGM_STORE_TIMEOUT_MS: '300' },
    redisFor: async (name) => {
      const proxy = scope.use(await startTcpProxy({ host: redis.host, port: redis.port }));
      const link = { name: `${name} to redis`, kind: 'manager-redis', proxy } as const;
      return { url: `redis://${proxy.host}:${proxy.port}`, links: [link] };
    },
    primaries: async () => [{ name: 'redis', server: redis }],
    whole: async () => {},
    faults: [],
    without: clock.without,
    ...clock.moves,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
