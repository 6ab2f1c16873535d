import {
  chooseServers,
  DevstackError,
  type RunningServer,
  type ServersChoice,
  type ServersFromEnvironment,
  startNats,
  startRedis,
} from '@mgm/devstack';
import type { DataFolder } from './data-folder.ts';
import { SERVER_CACHE } from './processes/programs.ts';

export interface LocalServersOptions {
  /** Settings of servers from the environment. */
  readonly servers: ServersFromEnvironment;
  /** Default: a free port. Refused if the server is given by URL. */
  readonly natsPort?: number | undefined;
  /** Default: a free port. Refused if the server is given by URL. */
  readonly redisPort?: number | undefined;
  readonly folder: DataFolder;
  /** Gets the source of the servers, and progress messages. */
  readonly say: (line: string) => void;
  /** Cancels fetching. */
  readonly signal: AbortSignal;
}

/** A Redis and a NATS server; disposing stops those that were started here. */
export interface LocalServers extends AsyncDisposable {
  readonly redis: RunningServer;
  readonly nats: RunningServer;
  /** Kills those that were started here. */
  kill(): Promise<void>;
}

/**
 * Starts the servers, or uses those given by URL.
 *
 * @throws `DevstackError` that says what is missing, what was refused, or why a server did not start
 */
export async function startLocalServers(options: LocalServersOptions): Promise<LocalServers> {
  const { servers, folder, say, signal } = options;
  refusePort('MGM_NATS_URL', servers.natsUrl, '--nats-port', options.natsPort);
  refusePort('MGM_REDIS_URL', servers.redisUrl, '--redis-port', options.redisPort);
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

/** @throws DevstackError for a port of a server given by URL */
function refusePort(
  variable: string,
  url: string | undefined,
  flag: string,
  port: number | undefined,
): void {
  if (url === undefined || port === undefined) return;
  throw new DevstackError('bad-setting', `${variable} is set, so ${flag} has no effect`);
}

function portOf(port: number | undefined): { port?: number } {
  return port === undefined ? {} : { port };
}

/** Files of a container belong to another user and cannot be removed here, so it gets a folder only if that is kept. */
function stateIn(
  choice: ServersChoice,
  folder: DataFolder,
): { dataDir?: string; appendonly: true } {
  const isOnDisk = choice.redis.kind === 'process' || folder.isKept;
  return { appendonly: true, ...(isOnDisk && { dataDir: folder.redis }) };
}

const LOOK_EVERY_MS = 500;

/**
 * Restarts a server process that ended unexpectedly, on its port and with its data. Ignores servers in containers or given by
 * URL.
 */
export class ServerKeeper {
  readonly #servers: readonly RunningServer[];
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(servers: readonly RunningServer[], say: (line: string) => void) {
    this.#servers = servers.filter((server) => server.source === 'process');
    this.#say = say;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Resolves when it will start nothing more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#looking = this.#startMissing().finally(() => {
      this.#isBusy = false;
    });
  }

  async #startMissing(): Promise<void> {
    for (const server of this.#servers) {
      if (server.pid !== undefined) continue;
      try {
        await server.start();
        this.#say(`the server at ${server.url} had ended and was restarted`);
      } catch (error) {
        this.#say(`the server at ${server.url} ended: ${String(error)}`);
      }
    }
  }
}
