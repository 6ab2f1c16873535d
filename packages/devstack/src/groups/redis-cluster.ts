import { freePort } from '../process/free-port.ts';
import { askRedis, loginOf, type RedisNodesOptions, startRedisNode } from './redis-node.ts';
import type { RunningServer, ServersChoice } from '../servers.ts';
import { settled, startTogether } from './start-together.ts';

/** How a Redis Cluster is started. */
export interface RedisClusterOptions extends RedisNodesOptions {
  /** The number of masters. Default 3, the smallest number that keeps a majority without one of them. */
  readonly masters?: number;
  /** The number of replicas of each master. Default 0. */
  readonly replicas?: number;
}

/** A Redis Cluster: its masters share the 16 384 slots evenly. */
export interface RedisCluster extends AsyncDisposable {
  /** `redis-cluster://host:port,host:port,…`, with the password if there is one. */
  readonly url: string;
  /** The masters at the start in the order of their slots, then their replicas, in the same order. */
  readonly nodes: readonly RunningServer[];
  /** The node that serves a key at present, according to any running node. */
  masterOf(key: string): Promise<RunningServer>;
}

const SLOTS = 16_384;

/**
 * Starts a Redis Cluster. Its nodes consider another one failed after one second of silence and go on serving the remaining slots
 * (`cluster-require-full-coverage no`). Resolves when every node knows all others and reports the state `ok`.
 *
 * @throws {@link DevstackError} `start-failed`; `bad-setting` if servers are not processes
 */
export async function startRedisCluster(
  choice: ServersChoice,
  options: RedisClusterOptions = {},
): Promise<RedisCluster> {
  const { masters = 3, replicas = 0 } = options;
  return startTogether('redis-cluster', async (root, own) => {
    const starting = Array.from({ length: masters * (1 + replicas) }, async (_, at) => {
      const busPort = await freePort();
      const config = [...(options.config ?? []), ...clusterConfig(busPort, options)];
      const request = { ...options, config, root, name: `node-${at + 1}` };
      return { server: await own(startRedisNode(choice, request)), busPort };
    });
    const members = await Promise.all(starting);
    await join(members, masters, options);
    return new Sharded(
      members.map(({ server }) => server),
      options,
    );
  });
}

class Sharded {
  readonly nodes: readonly RunningServer[];
  readonly url: string;
  readonly #options: RedisClusterOptions;

  constructor(nodes: readonly RunningServer[], options: RedisClusterOptions) {
    const scheme = options.tls ? 'rediss-cluster' : 'redis-cluster';
    const hosts = nodes.map(({ host, port }) => `${host}:${port}`).join(',');
    this.url = `${scheme}://${loginOf(options)}${hosts}`;
    this.nodes = nodes;
    this.#options = options;
  }

  async masterOf(key: string): Promise<RunningServer> {
    const port = await Promise.any(this.nodes.map((node) => this.#portOf(node, key)));
    const master = this.nodes.find((node) => node.port === port);
    if (master === undefined)
      throw new Error(`the slot of ${key} is on port ${port}, which is not a node of this cluster`);
    return master;
  }

  async #portOf(node: RunningServer, key: string): Promise<number> {
    const slot = Number(await askRedis(node, this.#options, 'CLUSTER', 'KEYSLOT', key));
    const nodes = String(await askRedis(node, this.#options, 'CLUSTER', 'NODES'));
    for (const line of nodes.split('\n')) {
      const [, address = '', flags = '', , , , , , ...ranges] = line.split(' ');
      const port = Number(/:(\d+)@/.exec(address)?.[1]);
      if (!flags.includes('fail') && ranges.some((range) => holds(range, slot))) return port;
    }
    throw new Error(`no node serves slot ${slot}`);
  }
}

/** Whether a range in the notation of `CLUSTER NODES` (`5461-10922` or `42`) contains a slot. */
function holds(range: string, slot: number): boolean {
  const [first, last = first] = range.split('-').map(Number);
  return first !== undefined && last !== undefined && first <= slot && slot <= last;
}

interface Member {
  readonly server: RunningServer;
  readonly busPort: number;
}

function clusterConfig(busPort: number, { tls }: RedisClusterOptions): string[] {
  return [
    'cluster-enabled yes',
    `cluster-port ${busPort}`,
    'cluster-node-timeout 1000',
    'cluster-require-full-coverage no',
    ...(tls ? ['tls-cluster yes'] : []),
  ];
}

/** The same as `redis-cli --cluster create`, without that program and its delays. */
async function join(
  members: readonly Member[],
  masters: number,
  options: RedisClusterOptions,
): Promise<void> {
  const ask = (member: Member, ...args: string[]): Promise<unknown> =>
    askRedis(member.server, options, 'CLUSTER', ...args);
  const [first, ...others] = members;
  if (first === undefined) return;
  for (const [at, member] of members.entries()) {
    await ask(member, 'SET-CONFIG-EPOCH', String(at + 1));
    if (at < masters) await ask(member, 'ADDSLOTSRANGE', ...rangeOf(at, masters));
  }
  for (const { server, busPort } of others) {
    await ask(first, 'MEET', server.host, String(server.port), String(busPort));
  }
  const isReady = async (member: Member): Promise<boolean> => {
    const info = String(await ask(member, 'INFO'));
    const knowsAll = info.includes(`cluster_known_nodes:${members.length}\r`);
    return (
      knowsAll && info.includes('cluster_state:ok') && info.includes(`cluster_size:${masters}\r`)
    );
  };
  for (const one of members) {
    await settled(`${one.server.url} in its cluster`, () => isReady(one));
  }
  for (const [at, replica] of members.slice(masters).entries()) {
    const master = members[at % masters] ?? first;
    await ask(replica, 'REPLICATE', String(await ask(master, 'MYID')));
  }
  for (const { server } of members.slice(masters)) {
    await settled(`${server.url} as a replica`, async () => {
      const info = String(await askRedis(server, options, 'INFO', 'replication'));
      return info.includes('master_link_status:up');
    });
  }
}

function rangeOf(at: number, masters: number): [first: string, last: string] {
  const edge = (index: number): number => Math.floor((index * SLOTS) / masters);
  return [String(edge(at)), String(edge(at + 1) - 1)];
}
