import { askRedis, loginOf, type RedisNodesOptions, startRedisNode } from './redis-node.ts';
import type { RunningServer, ServersChoice } from '../servers.ts';
import { type Own, settled, startTogether, type Trio } from './start-together.ts';

/** How a Redis with sentinels is started. */
export interface RedisSentinelOptions extends RedisNodesOptions {
  /** The source of the two replicas, such as a proxy in front of the primary. Default: the primary itself. */
  readonly replicateFrom?: (primary: RunningServer) => Promise<{ readonly port: number }>;
  /**
   * The time after which sentinels retry a failover or reconfigure a replica that follows another address, in ms. Default
   * 3000, with `replicateFrom` 60 000.
   */
  readonly failoverTimeoutMs?: number;
  /** The password of the sentinels themselves. Default: none. */
  readonly sentinelPassword?: string;
}

/** A primary with two replicas and three sentinels that fail over. */
export interface RedisSentinel extends AsyncDisposable {
  /** `redis-sentinel://host:port,host:port,host:port/0#mgm`, with the password of the nodes if there is one. */
  readonly url: string;
  /** The Redis servers. The first one was the primary at the start. */
  readonly nodes: Trio;
  readonly sentinels: Trio;
  /** The present primary according to the majority of the sentinels. */
  primary(): Promise<RunningServer>;
}

const SERVICE = 'mgm';
const QUORUM = 2;

/**
 * Starts a Redis with two replicas and three sentinels, which consider it failed after 500 ms of silence. Resolves when the
 * replicas follow and the sentinels know all nodes.
 *
 * @throws {@link DevstackError} `start-failed`; `bad-setting` if servers are not processes
 */
export async function startRedisSentinel(
  choice: ServersChoice,
  options: RedisSentinelOptions = {},
): Promise<RedisSentinel> {
  return startTogether('redis-sentinel', async (root, own) => {
    const primary = await own(startRedisNode(choice, { ...options, root, name: 'node-1' }));
    const { port } = (await options.replicateFrom?.(primary)) ?? primary;
    const config = [...(options.config ?? []), `replicaof 127.0.0.1 ${port}`];
    const start = (name: string) => own(startRedisNode(choice, { ...options, config, root, name }));
    const nodes: Trio = [primary, await start('node-2'), await start('node-3')];
    for (const node of nodes.slice(1)) await untilFollowing(node, options);
    const sentinels = await startSentinels(choice, primary, options, { root, own });
    return new SentinelGroup(nodes, sentinels, options);
  });
}

class SentinelGroup {
  readonly nodes: Trio;
  readonly sentinels: Trio;
  readonly url: string;
  readonly #options: RedisSentinelOptions;

  constructor(nodes: Trio, sentinels: Trio, options: RedisSentinelOptions) {
    const scheme = options.tls ? 'rediss-sentinel' : 'redis-sentinel';
    const hosts = sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
    this.url = `${scheme}://${loginOf(options)}${hosts}/0#${SERVICE}`;
    this.nodes = nodes;
    this.sentinels = sentinels;
    this.#options = options;
  }

  async primary(): Promise<RunningServer> {
    const asked = await Promise.allSettled(this.sentinels.map((one) => this.#namedBy(one)));
    const ports = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const named = this.nodes.find(
      ({ port }) => ports.filter((other) => other === port).length >= QUORUM,
    );
    if (named === undefined) throw new Error(`the sentinels agree on no primary: ${ports.join()}`);
    return named;
  }

  async #namedBy(sentinel: RunningServer): Promise<number> {
    const asked = ['get-master-addr-by-name', SERVICE];
    const address = await askRedis(sentinel, sentinelLogin(this.#options), 'SENTINEL', ...asked);
    return Number(Array.isArray(address) ? address[1] : Number.NaN);
  }
}

interface Group {
  readonly root: string;
  readonly own: Own;
}

async function startSentinels(
  choice: ServersChoice,
  primary: RunningServer,
  options: RedisSentinelOptions,
  { root, own }: Group,
): Promise<Trio> {
  const { password, tls, replicateFrom, sentinelPassword } = options;
  const { failoverTimeoutMs = replicateFrom ? 60_000 : 3_000 } = options;
  const config = [
    `sentinel monitor ${SERVICE} 127.0.0.1 ${primary.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${SERVICE} 500`,
    `sentinel failover-timeout ${SERVICE} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${SERVICE} 2`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${SERVICE} "${password}"`]),
    ...(sentinelPassword === undefined ? [] : [`requirepass "${sentinelPassword}"`]),
    ...(sentinelPassword === undefined ? [] : [`sentinel sentinel-pass "${sentinelPassword}"`]),
  ];
  const login = sentinelLogin(options);
  const start = async (name: string): Promise<RunningServer> => {
    const request = { root, name, config, sentinel: true, ...(tls && { tls }) };
    const sentinel = await own(startRedisNode(choice, request));
    // Shorter discovery: by default sentinels announce themselves every 2 s and query the nodes every 10 s.
    const often = ['publish-period', '200', 'info-period', '500', 'ask-period', '200'];
    await askRedis(sentinel, login, 'SENTINEL', 'DEBUG', ...often);
    return sentinel;
  };
  const sentinels: Trio = [
    await start('sentinel-1'),
    await start('sentinel-2'),
    await start('sentinel-3'),
  ];
  for (const one of sentinels) await untilKnowsAll(one, options);
  return sentinels;
}

/** The password of sentinels is not that of the nodes. */
function sentinelLogin({ tls, sentinelPassword }: RedisSentinelOptions): RedisNodesOptions {
  return {
    ...(tls && { tls }),
    ...(sentinelPassword !== undefined && { password: sentinelPassword }),
  };
}

function untilFollowing(node: RunningServer, options: RedisSentinelOptions): Promise<void> {
  return settled(`${node.url} as a replica`, async () => {
    const info = String(await askRedis(node, options, 'INFO', 'replication'));
    return info.includes('master_link_status:up');
  });
}

function untilKnowsAll(sentinel: RunningServer, options: RedisSentinelOptions): Promise<void> {
  return settled(`${sentinel.url} as a sentinel`, async () => {
    const login = sentinelLogin(options);
    const info = String(await askRedis(sentinel, login, 'INFO', 'sentinel'));
    return info.includes('status=ok') && info.includes('slaves=2,sentinels=3');
  });
}
