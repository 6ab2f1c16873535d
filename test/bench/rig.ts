import { fileURLToPath } from 'node:url';
import {
  chooseServers,
  type RunningServer,
  type ServersChoice,
  startNats,
  startRedis,
} from '@mgm/devstack';
import { Redis } from 'ioredis';
import { connect, type NatsConnection } from '@mgm/nats';
import { RawRouter } from '../support/raw-client.ts';
import { type Fleet, type FleetOptions, startFleet } from './fleet.ts';
import { type Peers, peersIn } from './peers.ts';
import type { Say } from './rounds.ts';

const CACHE = fileURLToPath(new URL('../../.cache', import.meta.url));

/** A Redis and a NATS server of our own, each a process of this machine, and the managers on them; disposing ends all. */
export interface Rig {
  /** The servers and their versions, for people. */
  readonly about: string;
  readonly redisServer: RunningServer;
  readonly natsServer: RunningServer;
  readonly nats: NatsConnection;
  /** A connection of our own, for looking at Redis. */
  readonly redis: Redis;
  readonly peers: Peers;
  readonly say: Say;
  /** What is to be ended with the rig, the last first. */
  readonly owned: AsyncDisposableStack;
  /** Starts managers that share nothing with others on the same servers: subjects and keys of their own. */
  fleet(options?: RigFleet): Promise<Fleet>;
  /** A Redis that has every write on disk before it answers. */
  durableRedis(): Promise<RunningServer>;
  /** A router of these managers that nobody used before. */
  router(fleet: Fleet): RawRouter;
}

export type RigFleet = Partial<Pick<FleetOptions, 'count' | 'redis' | 'env'>>;

export interface RigOptions {
  /** Told what is going on, a line at a time. */
  readonly say: Say;
  /** A folder for CPU profiles of the managers, written when they end. Default: none, since it costs time. */
  readonly profileDir?: string | undefined;
}

/** Where what was fetched is kept. */
export const PEERS_CACHE = `${CACHE}/peers`;

/** Finds Redis and NATS as programs of this machine, or fetches them: only of processes can the CPU time be read. */
function chooseProcesses(say: Say): Promise<ServersChoice> {
  return chooseServers({
    force: 'process',
    prefer: 'process',
    cacheDir: `${CACHE}/servers`,
    onProgress: say,
  });
}

/** Runs `task` on servers of its own, on free ports. */
export async function onRig<Result>(
  { say, profileDir }: RigOptions,
  task: (rig: Rig) => Promise<Result>,
): Promise<Result> {
  const choice = await chooseProcesses(say);
  await using owned = new AsyncDisposableStack();
  const redisServer = owned.use(await startRedis(choice));
  const natsServer = owned.use(await startNats(choice, { args: ['--jetstream'] }));
  const nats = await connect({ servers: natsServer.url, reconnect: false });
  owned.defer(() => nats.close());
  const redis = new Redis(redisServer.url);
  owned.defer(() => redis.disconnect());
  let fleets = 0;
  let routers = 0;
  // Awaited here: the servers end with this block.
  return await task({
    about: withoutFolder(choice.reason),
    redisServer,
    natsServer,
    nats,
    redis,
    peers: peersIn(PEERS_CACHE),
    say,
    owned,
    fleet: async (options = {}) =>
      owned.use(
        await startFleet({
          count: 1,
          redis: redisServer,
          nats: natsServer,
          name: `fleet${fleets++}`,
          profileDir,
          ...options,
        }),
      ),
    durableRedis: async () => owned.use(await startRedis(choice, { appendonly: true })),
    router: (fleet) => new RawRouter(nats, `r${++routers}`, fleet.prefix),
  });
}

/** The process of a server of ours. */
export function pidOf(server: RunningServer): number {
  if (server.pid === undefined) throw new Error(`the server on port ${server.port} has no process`);
  return server.pid;
}

/** Where on this machine the servers lie is nobody's business who reads the record. */
function withoutFolder(reason: string): string {
  return reason.replace(/, of [^,)]*\)$/, ')');
}
