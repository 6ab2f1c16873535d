import { startNatsCluster, startRedisSentinel } from '@mgm/devstack';
import { failoverFaults } from '../faults/failover-faults.ts';
import { onRedis } from './on-redis.ts';
import type { Named, Servers, ServersOptions } from './system.ts';

const NO_PROXY = 'sentinels redirect managers past any proxy';

/** Three NATS servers; a Redis with two replicas and three sentinels. Every change is on a replica before its reply. */
export async function startSentinel({
  choice,
  durability = 'replicated',
}: ServersOptions): Promise<Servers> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNatsCluster(choice));
  const store = starting.use(await startRedisSentinel(choice, { appendonly: true }));
  const nodes = store.nodes.map((server, at) => ({ name: `redis-${at + 1}`, server }));
  const primary = async (): Promise<Named> => {
    const { port } = await store.primary();
    const found = nodes.find(({ server }) => server.port === port);
    if (!found) throw new Error(`no node has port ${port}`);
    return found;
  };
  const whole = async (): Promise<void> => {
    const info = await onRedis(await primary(), (redis) => redis.info('replication'));
    const online = info.match(/state=online/g)?.length ?? 0;
    if (!info.includes('role:master') || online < nodes.length - 1) {
      throw new Error(`${online} replicas follow`);
    }
  };
  const sentinels = store.sentinels.map((server, at) => ({ name: `sentinel-${at + 1}`, server }));
  const scope = starting.move();
  return {
    about: `${choice.reason}; a primary, two replicas, three sentinels, three NATS servers`,
    durability,
    routers: ['r1'],
    nats: nats.nodes.map((server, at) => ({ name: `nats-${at + 1}`, server })),
    redis: nodes,
    others: sentinels,
    env: {
      MGM_DURABILITY: durability,
      // Sentinels may promote any replica, so every replica must have a change.
      MGM_REPLICAS: '2',
      // Long enough that a busy machine does not look like a lost replica.
      MGM_REPLICATION_TIMEOUT_MS: '500',
      MGM_STORE_TIMEOUT_MS: '1000',
    },
    redisFor: async () => ({ url: store.url, links: [] }),
    primaries: async () => [await primary()],
    whole,
    faults: failoverFaults(primary, sentinels),
    without: {
      'older-manager': 'older versions do not support sentinels',
      'manager-redis links': NO_PROXY,
      readonly: 'sentinels revert it; the failover faults cover it',
      'clock-step': 'sentinels pause for 30 s after it',
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
