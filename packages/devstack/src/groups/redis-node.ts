import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { DevstackError } from '../errors.ts';
import { startProcessServer } from '../process/process-server.ts';
import { REDIS, type ServerKind } from '../server-kinds.ts';
import type { RunningServer, ServersChoice } from '../servers.ts';

/** A certificate of 127.0.0.1 and localhost with its key, and the authority that signed it: files in PEM form. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** Whether clients need a certificate, too; they may use this one. Default false. */
  readonly needsClientCertificate?: boolean;
}

/** How each Redis of a group is started. */
export interface RedisNodesOptions {
  /** Writes are on disk before the reply (`appendfsync always`). Default false: a restarted node is empty. */
  readonly appendonly?: boolean;
  /** The password of clients, replicas and sentinels. Default: none. */
  readonly password?: string;
  /** TLS for all connections, replication too; there is no other port. Default: no TLS. */
  readonly tls?: TlsFiles;
  /** More lines of each Redis' configuration file, such as `maxmemory 10mb`. */
  readonly config?: readonly string[];
}

/** One Redis or sentinel of a group. */
export interface RedisNodeRequest extends RedisNodesOptions {
  /** The folder of the group, and the name of this node's folder in it. */
  readonly root: string;
  readonly name: string;
  readonly sentinel?: boolean;
}

const COMMAND_WITHIN_MS = 5_000;

/**
 * Starts a Redis with a configuration file of its own. Redis writes a change of its role there, so that the role survives `kill`
 * and `start`.
 *
 * @throws {@link DevstackError} `bad-setting` if servers are not processes: nodes reach each other at 127.0.0.1
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

/** The error if a group of servers is not started as processes. */
export function needsProcesses(name: ServerKind['name']): DevstackError {
  return new DevstackError(
    'bad-setting',
    `several ${name} servers that know each other run as processes only: choose with force: 'process'`,
  );
}

/** Sends a node one command on a connection of its own, with a timeout of 5 s. */
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
    // The server was started here, so its name in the certificate does not matter.
    ...(tls && {
      tls: {
        rejectUnauthorized: false,
        cert: await readFile(tls.cert),
        key: await readFile(tls.key),
      },
    }),
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: COMMAND_WITHIN_MS,
    commandTimeout: COMMAND_WITHIN_MS,
  });
  // Without a listener ioredis prints errors that the call rejects with anyway.
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}

/** The userinfo part of a URL; empty without a password. */
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

function tlsConfig({ cert, key, ca, needsClientCertificate = false }: TlsFiles): string[] {
  return [
    `tls-cert-file "${cert}"`,
    `tls-key-file "${key}"`,
    `tls-ca-cert-file "${ca}"`,
    `tls-auth-clients ${needsClientCertificate ? 'yes' : 'no'}`,
    'tls-replication yes',
  ];
}

/**
 * Cuts a primary off from its replicas until the result is disposed, while it serves all other clients: further writes are
 * only on the primary and are lost with it. Works in every topology, without a proxy: it revokes the replication commands of
 * the user that all nodes share. `access` holds the options that the nodes were started with.
 */
export async function cutReplication(
  primary: RunningServer,
  access: RedisNodesOptions = {},
): Promise<AsyncDisposable> {
  const ask = (...rules: string[]): Promise<unknown> =>
    askRedis(primary, access, 'ACL', 'SETUSER', 'default', ...rules);
  await ask('-psync', '-sync');
  await askRedis(primary, access, 'CLIENT', 'KILL', 'TYPE', 'replica');
  return {
    [Symbol.asyncDispose]: async () => {
      // Not `sync`, the fallback of a replica whose `psync` was refused: such a replica never reports its offset and counts as
      // empty until its next reconnect. A replica that was killed in the meantime resynchronizes by itself.
      await ask('+psync').catch(() => {});
    },
  };
}
