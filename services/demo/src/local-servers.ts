import {
  chooseServers,
  type RunningServer,
  type ServersChoice,
  type ServersFromEnvironment,
  startNats,
  startRedis,
} from '@mgm/devstack';
import type { DataFolder } from './data-folder.ts';
import { SERVER_CACHE } from './programs.ts';

export interface LocalServersOptions {
  /** What the environment says about servers. */
  readonly servers: ServersFromEnvironment;
  /** Absent: a free one. For a server given by URL it is refused. */
  readonly natsPort?: number | undefined;
  /** Absent: a free one. For a server given by URL it is refused. */
  readonly redisPort?: number | undefined;
  readonly folder: DataFolder;
  /** Told where the servers come from, and what takes long. */
  readonly say: (line: string) => void;
  /** Gives up what takes long. */
  readonly signal: AbortSignal;
}

/** A Redis and a NATS server; disposing stops those that are ours. */
export interface LocalServers extends AsyncDisposable {
  readonly redis: RunningServer;
  readonly nats: RunningServer;
  /** Ends those that are ours at once. */
  kill(): Promise<void>;
}

/**
 * Starts the servers, or uses those given by URL.
 *
 * @throws `DevstackError` that says what is missing, what was refused, or the last words of a server that did not start
 */
export async function startLocalServers(options: LocalServersOptions): Promise<LocalServers> {
  const { servers, folder, say, signal } = options;
  const choice = await chooseServers({
    ...servers,
    prefer: 'process',
    cacheDir: SERVER_CACHE,
    onProgress: say,
    signal,
  });
  say(choice.reason);
  signal.throwIfAborted();
  await using started = new AsyncDisposableStack();
  const redis = started.use(
    await startRedis(choice, {
      ...portOf(options.redisPort),
      ...(choice.redis.kind !== 'given' && stateIn(choice, folder)),
    }),
  );
  const nats = started.use(
    await startNats(choice, {
      ...portOf(options.natsPort),
      ...(choice.nats.kind === 'process' && { dataDir: folder.temporary }),
    }),
  );
  const owned = started.move();
  return {
    redis,
    nats,
    kill: async () => {
      const ours = [redis, nats].filter((server) => server.source !== 'urls');
      await Promise.all(ours.map((server) => server.kill()));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function portOf(port: number | undefined): { port?: number } {
  return port === undefined ? {} : { port };
}

/** A container writes as a user of its own, and files of that user can't be removed here: only where they are to stay. */
function stateIn(
  choice: ServersChoice,
  folder: DataFolder,
): { dataDir?: string; appendonly: true } {
  const isOnDisk = choice.redis.kind === 'process' || folder.isKept;
  return { appendonly: true, ...(isOnDisk && { dataDir: folder.redis }) };
}
