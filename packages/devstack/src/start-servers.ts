import { DevstackError } from './errors.ts';
import { givenServer } from './given-server.ts';
import { startProcessServer } from './process-server.ts';
import { NATS, REDIS, type ServerKind, type ServerRequest } from './server-kinds.ts';
import type { RunningServer, ServerPlan, ServersChoice } from './servers.ts';

/** How a NATS server of ours is started. One given by URL is what it is: options for it are refused. */
export interface NatsOptions {
  /** More arguments of `nats-server`. */
  readonly args?: readonly string[];
  /** The port it must have. Default: one that is free. */
  readonly port?: number;
  /** Where it keeps its data, kept after `stop`. Default: a folder of its own, removed with it. */
  readonly dataDir?: string;
}

/** How a Redis of ours is started. A Redis given by URL is what it is: options for it are refused. */
export interface RedisOptions extends NatsOptions {
  /** More arguments of `redis-server`; they win over the others. */
  readonly args?: readonly string[];
  /** Every write is on disk before it is answered (`appendfsync always`). Default: only when `dataDir` is given. */
  readonly appendonly?: boolean;
}

/**
 * A Redis (or Valkey) from the source chosen. Resolves when it takes connections.
 *
 * Nothing is on disk unless asked for, so `kill` and `start` give an empty server back; with `appendonly` they give
 * back every write that was answered.
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
 * A NATS server from the source chosen. Resolves when it takes connections.
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
      // Only here, since testcontainers takes a third of a second to load.
      const { startDockerServer } = await import('./docker-server.ts');
      return startDockerServer(plan, request);
    }
  }
}

function refuseOptions({ name }: ServerKind, options: RedisOptions): void {
  const { args = [], appendonly = false, dataDir, port } = options;
  if (args.length === 0 && !appendonly && dataDir === undefined && port === undefined) return;
  throw new DevstackError(
    'bad-setting',
    `${name} was given by URL and runs already: it cannot be started with other options`,
  );
}
