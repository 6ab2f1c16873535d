import { startNatsCluster, startRedisCluster, type RedisCluster } from '@mgm/devstack';
import { onRedis } from './on-redis.ts';
import { storeClock } from './store-clock.ts';
import type { Servers, ServersOptions } from './system.ts';

/** Three NATS servers and a Redis Cluster of three, which has every write on disk before its reply; a router on each. */
export async function startCluster(options: ServersOptions): Promise<Servers> {
  const { choice, durability = 'durable' } = options;
  await using starting = new AsyncDisposableStack();
  const clock = await storeClock(options, starting);
  const nats = starting.use(await startNatsCluster(choice));
  const appendonly = durability === 'durable';
  const store = starting.use(await startRedisCluster(clock.choice, { appendonly }));
  const nodes = store.nodes.map((server, at) => ({ name: `redis-${at + 1}`, server }));
  const routers = await oneOnEach(store);
  const whole = async (): Promise<void> => {
    for (const node of nodes) {
      const info = String(await onRedis(node, (redis) => redis.cluster('INFO')));
      const isWhole = info.includes('cluster_state:ok') && info.includes('cluster_slots_ok:16384');
      if (!isWhole) throw new Error(`${node.name} does not see the whole cluster`);
    }
  };
  const scope = starting.move();
  return {
    about: `${choice.reason}; a Redis Cluster of three, three NATS servers`,
    durability,
    routers,
    nats: nats.nodes.map((server, at) => ({ name: `nats-${at + 1}`, server })),
    redis: nodes,
    others: [],
    env: { MGM_DURABILITY: durability, MGM_STORE_TIMEOUT_MS: '1000' },
    redisFor: async () => ({ url: store.url, links: [] }),
    primaries: async () => nodes,
    whole,
    faults: [],
    without: {
      'older-manager': 'older versions do not support a cluster',
      'manager-redis links': 'the cluster redirects managers past any proxy',
      readonly: 'a node of a cluster cannot replicate a server outside of it',
      ...clock.without,
    },
    ...clock.moves,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Names of routers whose keys are on different nodes. */
async function oneOnEach(store: RedisCluster): Promise<string[]> {
  const found = new Map<number, string>();
  for (let number = 1; found.size < store.nodes.length; number++) {
    const router = `r${number}`;
    const { port } = await store.masterOf(`mgm:{${router}}:meta`);
    if (!found.has(port)) found.set(port, router);
  }
  return [...found.values()];
}
