import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseServers, type RunningServer, startNats, startRedis } from '@mgm/devstack';
import { Redis } from 'ioredis';
import { connect, type NatsConnection } from 'nats';
import { type ManagerEnv, startManagers } from '../support/managers.ts';
import { RawRouter } from '../support/raw-client.ts';
import { CpuMeter } from './processes.ts';

const CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url));

/** Processes whose costs are told. */
const PARTS = ['manager', 'redis', 'nats'] as const;
type Part = (typeof PARTS)[number];

/** A Redis, a NATS server and one manager, each a process of this machine; disposing ends all three. */
export interface Rig extends AsyncDisposable {
  /** The servers and their versions, for people. */
  readonly about: string;
  readonly redisUrl: string;
  readonly natsUrl: string;
  readonly pids: Readonly<Record<Part, number>>;
  readonly nats: NatsConnection;
  /** A connection of our own, for looking at Redis. */
  readonly redis: Redis;
  readonly say: (line: string) => void;
  /** A router that nobody used before. */
  router(): RawRouter;
  /** Starts counting CPU time. */
  meter(): CpuMeter<Part>;
}

export interface RigOptions {
  /** Told what is going on, a line at a time. */
  readonly say: (line: string) => void;
  /** A folder for a CPU profile of the manager, written when it ends. Default: none, since it costs time. */
  readonly profileDir?: string | undefined;
}

/** Starts everything on free ports. */
export async function startRig({ say, profileDir }: RigOptions): Promise<Rig> {
  await using started = new AsyncDisposableStack();
  // Only of processes can the CPU time be read.
  const choice = await chooseServers({
    force: 'process',
    prefer: 'process',
    cacheDir: CACHE,
    onProgress: say,
  });
  const [redisServer, natsServer] = await Promise.all([startRedis(choice), startNats(choice)]);
  started.use(redisServer);
  started.use(natsServer);
  const servers = { redis: redisServer, nats: natsServer, [Symbol.asyncDispose]: async () => {} };
  const managers = started.use(await startManagers(1, servers, profiled(profileDir)));
  const nats = await connect({ servers: natsServer.url, reconnect: false });
  started.defer(() => nats.close());
  const redis = new Redis(redisServer.url);
  started.defer(() => redis.disconnect());
  const pids = {
    manager: managers.running[0]?.pid ?? 0,
    redis: pidOf(redisServer),
    nats: pidOf(natsServer),
  };
  const owned = started.move();
  return {
    about: choice.reason,
    redisUrl: redisServer.url,
    natsUrl: natsServer.url,
    pids,
    nats,
    redis,
    say,
    router: () => new RawRouter(nats),
    meter: () => new CpuMeter(pids),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function profiled(dir: string | undefined): ManagerEnv {
  return dir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(dir)}` };
}

function pidOf(server: RunningServer): number {
  if (server.pid === undefined) throw new Error(`the server on port ${server.port} has no process`);
  return server.pid;
}
