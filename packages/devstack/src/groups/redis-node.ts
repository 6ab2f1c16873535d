import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { DevstackError } from './errors.ts';
import { startProcessServer } from './process-server.ts';
import { REDIS, type ServerKind } from './server-kinds.ts';
import type { RunningServer, ServersChoice } from './servers.ts';

/** A certificate of 127.0.0.1 and localhost with its key, and the authority that signed it: files in PEM form. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** How each Redis of several is started. */
export interface RedisNodesOptions {
  /** Every write is on disk before it is answered (`appendfsync always`). Default false: a restarted node is empty. */
  readonly appendonly?: boolean;
  /** What clients, replicas and sentinels log in with. Default: nobody needs to. */
  readonly password?: string;
  /** Everything is encrypted, replication too; there is no other port. Default: nothing is. */
  readonly tls?: TlsFiles;
  /** More lines of each Redis' configuration file, such as `maxmemory 10mb`. */
  readonly config?: readonly string[];
}

/** One Redis or sentinel among several. */
export interface RedisNodeRequest extends RedisNodesOptions {
  /** The folder of all, and the name of this one's within. */
  readonly root: string;
  readonly name: string;
  readonly sentinel?: boolean;
}

const COMMAND_WITHIN_MS = 5_000;

/**
 * Starts a Redis with a configuration file of its own, as those need that change their role: what they became is written
 * there, and holds after `kill` and `start`.
 *
 * @throws {@link DevstackError} `bad-setting` when servers are not processes: nodes find each other at 127.0.0.1
 */
export async function startRedisNode(
  { redis: plan }: ServersChoice,
  request: RedisNodeRequest,
): Promise<RunningServer> {
  if (plan.kind !== 'process') throw needsProcesses('redis');
  const dataDir = join(request.root, request.name);
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, CONFIG), `${configOf(request).join('\n')}\n`);
  return startProcessServer(plan.command, { kind: kindOf(request), args: [], dataDir });
}

/** What tells a caller that several servers of a kind are had as processes alone. */
export function needsProcesses(name: ServerKind['name']): DevstackError {
  return new DevstackError(
    'bad-setting',
    `several ${name} servers that know each other run as processes only: choose with force: 'process'`,
  );
}

/** Asks a node one thing on a connection of its own, within 5 s. */
export async function askRedis(
  { host, port }: RunningServer,
  { password, tls }: RedisNodesOptions,
  command: string,
  ...args: string[]
): Promise<unknown> {
  const redis = new Redis({
    host,
    port,
    ...(password !== undefined && { password }),
    // It is ours: what it is called does not matter here.
    ...(tls && { tls: { rejectUnauthorized: false } }),
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: COMMAND_WITHIN_MS,
    commandTimeout: COMMAND_WITHIN_MS,
  });
  // Without a listener ioredis prints what its call rejects with anyway.
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}

/** The user's part of an address, where a password is needed. */
export function loginOf({ password }: RedisNodesOptions): string {
  return password === undefined ? '' : `:${encodeURIComponent(password)}@`;
}

const CONFIG = 'node.conf';

function kindOf({ tls, sentinel = false }: RedisNodeRequest): ServerKind {
  return {
    ...REDIS,
    readyLine: sentinel ? /Sentinel ID is/ : REDIS.readyLine,
    processArgs: ({ port, dir }) => [
      join(dir, CONFIG),
      ...(sentinel ? ['--sentinel'] : []),
      ...['--bind', '127.0.0.1', '--dir', dir],
      ...(tls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)]),
    ],
  };
}

function configOf({
  appendonly,
  password,
  tls,
  config = [],
  sentinel,
}: RedisNodeRequest): string[] {
  return [
    ...(tls ? tlsConfig(tls) : []),
    ...(sentinel ? [] : ['save ""', 'repl-diskless-sync-delay 0', 'repl-timeout 5']),
    ...(appendonly ? ['appendonly yes', 'appendfsync always'] : []),
    ...(password === undefined || sentinel
      ? []
      : [`requirepass "${password}"`, `masterauth "${password}"`]),
    ...config,
  ];
}

function tlsConfig({ cert, key, ca }: TlsFiles): string[] {
  return [
    `tls-cert-file "${cert}"`,
    `tls-key-file "${key}"`,
    `tls-ca-cert-file "${ca}"`,
    'tls-auth-clients no',
    'tls-replication yes',
  ];
}
