import { startNats, startRedis, startTcpProxy } from '@mgm/devstack';
import { Redis } from 'ioredis';
import { clockSupport, movableClock } from '../../faults/movable-clock.ts';
import type { Link, Servers, ServersOptions } from './system.ts';

/** One NATS server and one Redis; `durable` unless asked otherwise: every write is on disk before it is answered. */
export async function startSingle({
  choice,
  durability = 'durable',
  say,
}: ServersOptions): Promise<Servers> {
  await using starting = new AsyncDisposableStack();
  const support = await clockSupport(choice);
  if (support.kind === 'unusable') say(`clocks: ${support.why}`);
  const clock =
    support.kind === 'usable' ? starting.use(await movableClock(choice, support)) : undefined;
  const appendonly = durability === 'durable';
  const redis = starting.use(await startRedis(clock?.choice ?? choice, { appendonly }));
  const nats = starting.use(await startNats(choice));
  const scope = starting.move();
  const way = async (name: string, kind: Link['kind'], to: typeof redis): Promise<Link> => {
    const proxy = scope.use(await startTcpProxy({ host: to.host, port: to.port }));
    return { name, kind, proxy };
  };
  return {
    about: choice.reason,
    durability,
    nats: [{ name: 'nats', server: nats }],
    redis: [{ name: 'redis', server: redis }],
    links: [],
    env: { MGM_DURABILITY: durability },
    natsFor: async (name, kind) => [await way(`${name} to nats`, kind, nats)],
    redisFor: async (name) => {
      const link = await way(`${name} to redis`, 'manager-redis', redis);
      return { url: `redis://${link.proxy.host}:${link.proxy.port}`, links: [link] };
    },
    onPrimaries: (task) => onServer(redis.url, (connection) => task(connection, 'redis')),
    ...(clock && { moveClock: (offsetS: number) => clock.jumpTo(offsetS) }),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Calls with a connection of its own, that ends with the call. */
async function onServer(url: string, task: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(url, { retryStrategy: () => null, connectTimeout: 2_000 });
  // The commands reject as well, and say more.
  redis.on('error', () => {});
  try {
    await task(redis);
  } finally {
    redis.disconnect();
  }
}
