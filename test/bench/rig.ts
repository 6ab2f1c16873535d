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

/** A Redis, a NATS server and managers of one scenario, as processes. Disposing ends all of them. */
export interface Rig {
  /** The servers and their versions, for the report. */
  readonly about: string;
  readonly redisServer: RunningServer;
  readonly natsServer: RunningServer;
  readonly nats: NatsConnection;
  /** A connection to inspect Redis. */
  readonly redis: Redis;
  readonly peers: Peers;
  readonly say: Say;
  /** Resources to dispose with the rig, the last first. */
  readonly owned: AsyncDisposableStack;
  /** Starts managers with subjects and keys of their own. */
  fleet(options?: RigFleet): Promise<Fleet>;
  /** A Redis that has every write on disk before its reply. */
  durableRedis(): Promise<RunningServer>;
  /** A new router of these managers. */
  router(fleet: Fleet): RawRouter;
}

export type RigFleet = Partial<Pick<FleetOptions, 'count' | 'redis' | 'env'>>;

export interface RigOptions {
  /** Receives progress, a line at a time. */
  readonly say: Say;
  /** A folder for CPU profiles of the managers, written when they end. Default: none, since profiling slows them. */
  readonly profileDir?: string | undefined;
}

/** The cache of fetched programs. */
export const PEERS_CACHE = `${CACHE}/peers`;

/** Finds Redis and NATS as programs of this machine, or fetches them: CPU time can be read of processes only. */
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

/** The process id of a server. */
export function pidOf(server: RunningServer): number {
  if (server.pid === undefined) throw new Error(`the server on port ${server.port} has no process`);
  return server.pid;
}

/** Removes the path of the servers, which does not belong into the record. */
function withoutFolder(reason: string): string {
  return reason.replace(/, of [^,)]*\)$/, ')');
}
