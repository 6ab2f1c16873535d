import { DevstackError } from './errors.ts';
import { startProcessServer } from './process/process-server.ts';
import { NATS, REDIS, type ServerKind, type ServerRequest } from './server-kinds.ts';
import type { RunningServer, ServerPlan, ServersChoice } from './servers.ts';

/** How a NATS server is started. For one given by URL options are refused. */
export interface NatsOptions {
  /** More arguments of `nats-server`. */
  readonly args?: readonly string[];
  /** The port. Default: a free one. */
  readonly port?: number;
  /** The data folder, which `stop` keeps. Default: a temporary one, which `stop` removes. */
  readonly dataDir?: string;
}

/** How a Redis is started. For one given by URL options are refused. */
export interface RedisOptions extends NatsOptions {
  /** More arguments of `redis-server`; they override the others. */
  readonly args?: readonly string[];
  /** Writes are on disk before the reply (`appendfsync always`). Default: only if `dataDir` is given. */
  readonly appendonly?: boolean;
}

/**
 * A Redis (or Valkey) from the chosen source. Resolves when it accepts connections.
 *
 * Without `appendonly` nothing is on disk, so the server is empty after `kill` and `start`; with it every acknowledged write
 * is there again.
 *
 * @throws {@link DevstackError} `start-failed` with the server's output; `bad-setting` for options of a given server
 */
export async function startRedis(
  choice: ServersChoice,
  options: RedisOptions = {},
): Promise<RunningServer> {
  const { appendonly = options.dataDir !== undefined, ...others } = options;
  const persistence = appendonly
    ? ['--appendonly', 'yes', '--appendfsync', 'always']
    : ['--appendonly', 'no'];
  const args = ['--save', '', ...persistence, ...(options.args ?? [])];
  if (choice.redis.kind === 'given') refuseOptions(REDIS, options);
  return startServer(choice.redis, { ...others, kind: REDIS, args });
}

/**
 * A NATS server from the chosen source. Resolves when it accepts connections.
 *
 * @throws {@link DevstackError} `start-failed` with the server's output; `bad-setting` for options of a given server
 */
export async function startNats(
  choice: ServersChoice,
  options: NatsOptions = {},
): Promise<RunningServer> {
  if (choice.nats.kind === 'given') refuseOptions(NATS, options);
  return startServer(choice.nats, { ...options, kind: NATS, args: options.args ?? [] });
}

async function startServer(plan: ServerPlan, request: ServerRequest): Promise<RunningServer> {
  switch (plan.kind) {
    case 'given':
      return givenServer(request.kind, plan.url);
    case 'process':
      return startProcessServer(plan.command, request);
    case 'docker': {
      // Loaded on demand: testcontainers takes a third of a second to load.
      const { startDockerServer } = await import('./docker/server.ts');
      return startDockerServer(plan, request);
    }
  }
}

function refuseOptions({ name }: ServerKind, options: RedisOptions): void {
  const given = Object.entries(options).flatMap(([option, value]) =>
    value === undefined || value === false || (Array.isArray(value) && value.length === 0)
      ? []
      : [option],
  );
  if (given.length === 0) return;
  throw new DevstackError(
    'bad-setting',
    `${name} was given by URL (MGM_${name.toUpperCase()}_URL), so ${given.join(' and ')} would have no effect`,
  );
}

/** A server that is not managed here: it can only be used. Does not connect to it. */
function givenServer(kind: ServerKind, url: string): RunningServer {
  // A NATS URL may list several servers; any of them will do.
  const { hostname, port } = new URL(url.split(',')[0] ?? url);
  const at = { host: hostname, port: port === '' ? kind.containerPort : Number(port) };
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new DevstackError(
      'not-ours',
      `cannot ${verb} ${kind.name} at ${at.host}:${at.port}: it was given by URL, so it is not ours to ${verb}`,
    );
  };
  return {
    ...at,
    url,
    source: 'urls',
    peer: at,
    kill: refuse('kill'),
    start: refuse('start'),
    pause: refuse('pause'),
    resume: refuse('resume'),
    stop: async () => {},
    logs: async () =>
      `(${kind.name} at ${at.host}:${at.port} was given by URL; its output is elsewhere)`,
    [Symbol.asyncDispose]: async () => {},
  };
}
