import type { Durability } from '../durability.ts';
import { isForbidden } from './errors.ts';

/**
 * Why a server that replies must not be used.
 *
 * - `misconfigured`: until an operator changes its configuration.
 * - `not-yet`: may resolve by itself (a replica that is still connecting, a failover in progress).
 */
export type Unfitness = 'misconfigured' | 'not-yet';

/** A server that replies but must not be used. The message says how to fix it. */
export class UnfitServer extends Error {
  readonly unfitness: Unfitness;

  constructor(unfitness: Unfitness, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'UnfitServer';
    this.unfitness = unfitness;
  }
}

/** Sends one command to the server being checked. */
export type SendCommand = (command: string, ...args: string[]) => Promise<unknown>;

const OLDEST_MAJOR = 7;

/** A setting that must have this value, and why. */
interface RequiredSetting {
  readonly setting: string;
  readonly value: string;
  readonly why: string;
}

/** `appendfsync always` alone does not sync during a rewrite of the file if `no-appendfsync-on-rewrite` is set. */
const DURABLE_SETTINGS: readonly RequiredSetting[] = [
  { setting: 'appendfsync', value: 'always', why: 'a change is answered before it is on disk' },
  {
    setting: 'no-appendfsync-on-rewrite',
    value: 'no',
    why: 'while the append-only file is rewritten, a change is answered before it is on disk',
  },
];

/**
 * Checks that a server keeps the promised durability: on every new connection, since that may lead to another server, and
 * periodically, since its configuration may change while it runs.
 */
export class ServerCheck {
  readonly #durability: Durability;
  #trustsReplicas = false;
  /** The offset that untrusted replicas must reach before they count: that of the primary when it was first checked. */
  #mustReach: { readonly replicationId: string; readonly offset: number } | undefined;

  constructor(durability: Durability) {
    this.#durability = durability;
  }

  /** Resolves with the server's name and version. Rejects with {@link UnfitServer} or the server's error. */
  async check(ask: SendCommand): Promise<string> {
    // All sections: a server that is too old refuses a list of sections, so its version would stay unknown.
    const info = readServerInfo(String(await ask('INFO')));
    refuseOld(info);
    refuseReplica(info);
    refuseEviction(info);
    if (this.#durability.mode === 'durable') await refuseVolatile(info, ask);
    if (this.#durability.mode === 'replicated') {
      this.#refuseUnreplicated(info, this.#durability.replicas);
    }
    return info.server;
  }

  /** The connection was lost or replicas did not confirm in time: they must catch up before they count again. */
  distrust(): void {
    this.#trustsReplicas = false;
  }

  #refuseUnreplicated({ replicationId, offset, replicaOffsets }: ServerInfo, wanted: number): void {
    if (!this.#trustsReplicas && this.#mustReach?.replicationId !== replicationId) {
      this.#mustReach = { replicationId, offset };
    }
    const mustReach = this.#mustReach?.offset ?? 0;
    const reached = replicaOffsets.filter((one) => one >= mustReach).length;
    if (reached < wanted) {
      throw new UnfitServer(
        'not-yet',
        `durability \`replicated\` needs ${wanted} replicas that have all that the primary has; of ` +
          `${replicaOffsets.length} connected, ${reached} have: start more (\`replicaof\`), or ask for fewer`,
      );
    }
    this.#trustsReplicas = true;
    this.#mustReach = undefined;
  }
}

function refuseOld({ server, product, major }: ServerInfo): void {
  if (product === 'valkey' || major >= OLDEST_MAJOR) return;
  throw new UnfitServer(
    'misconfigured',
    `${server} is too old: Redis ${OLDEST_MAJOR}.0 is the oldest supported`,
  );
}

function refuseReplica({ isReplica, primary }: ServerInfo): void {
  if (!isReplica) return;
  throw new UnfitServer(
    'not-yet',
    `this Redis is a read-only replica of ${primary}: connect to the primary`,
  );
}

/** An evicted key is a forgotten owner or epoch. */
function refuseEviction({ maxMemory, evictionPolicy }: ServerInfo): void {
  if (maxMemory === 0 || evictionPolicy === 'noeviction') return;
  throw new UnfitServer(
    'misconfigured',
    `Redis evicts keys when its memory is full (maxmemory-policy ${evictionPolicy}): ${remedy('maxmemory-policy', 'noeviction')}`,
  );
}

async function refuseVolatile({ hasAof, lastAofWrite }: ServerInfo, ask: SendCommand) {
  if (!hasAof) {
    throw new UnfitServer(
      'misconfigured',
      `durability \`durable\` needs the append-only file of Redis, which is off: ${remedy('appendonly', 'yes')}`,
    );
  }
  for (const { setting, value, why } of DURABLE_SETTINGS) {
    const is = await settingOf(setting, ask);
    if (is === value) continue;
    throw new UnfitServer(
      'misconfigured',
      `durability \`durable\` needs ${setting} ${value}, and it is ${is} (${why}): ${remedy(setting, value)}`,
    );
  }
  if (lastAofWrite === 'ok') return;
  throw new UnfitServer(
    'not-yet',
    'Redis could not write its append-only file the last time: look at its log and at the space on its disk',
  );
}

/** The reason not to use the server that an error of a check stands for, if any. */
export function unfitnessIn(error: unknown): UnfitServer | undefined {
  if (error instanceof UnfitServer) return error;
  if (!isForbidden(error)) return undefined;
  return new UnfitServer(
    'misconfigured',
    `Redis does not let this user run what a manager needs: ${String(error)}; allow it with ` +
      '`ACL SETUSER` and the list in docs/permissions.md',
    { cause: error },
  );
}

async function settingOf(setting: string, ask: SendCommand): Promise<string> {
  const reply = await ask('CONFIG', 'GET', setting).catch((cause: unknown) => {
    if (!isForbidden(cause)) throw cause;
    throw new UnfitServer(
      'misconfigured',
      `durability \`durable\` needs to see ${setting}, and Redis does not let this user: allow it with ` +
        '`ACL SETUSER <user> +config|get`; where a service has no CONFIG at all, use `replicated`',
      { cause },
    );
  });
  return Array.isArray(reply) ? String(reply[1] ?? 'unknown') : 'unknown';
}

function remedy(setting: string, value: string): string {
  return `put \`${setting} ${value}\` into redis.conf and restart Redis, or run \`CONFIG SET ${setting} ${value}\` and \`CONFIG REWRITE\``;
}

/** The fields of `INFO` of Redis or Valkey that the check needs. */
interface ServerInfo {
  /** `redis 7.0.15` */
  readonly server: string;
  readonly product: 'redis' | 'valkey';
  readonly major: number;
  readonly isReplica: boolean;
  /** Of a replica: `host:port` of its primary. */
  readonly primary: string;
  /** Bytes; 0 for no limit. */
  readonly maxMemory: number;
  readonly evictionPolicy: string;
  readonly hasAof: boolean;
  readonly lastAofWrite: string;
  /** Identifies the replication history that the offsets count in. */
  readonly replicationId: string;
  /** The server's own replication offset. */
  readonly offset: number;
  /** The offset that each connected replica has acknowledged. */
  readonly replicaOffsets: readonly number[];
}

/** Reads the text of `INFO`. A missing field reads as 0 or empty text. */
function readServerInfo(text: string): ServerInfo {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  const word = (name: string) => fields.get(name) ?? '';
  const number = (name: string) => Number(fields.get(name) ?? 0);
  const product = fields.has('valkey_version') ? 'valkey' : 'redis';
  const version = word(`${product}_version`);
  return {
    server: `${product} ${version}`,
    product,
    major: Number.parseInt(version, 10) || 0,
    isReplica: word('role') === 'slave',
    primary: `${word('master_host')}:${word('master_port')}`,
    maxMemory: number('maxmemory'),
    evictionPolicy: word('maxmemory_policy'),
    hasAof: word('aof_enabled') === '1',
    lastAofWrite: word('aof_last_write_status'),
    replicationId: word('master_replid'),
    offset: number('master_repl_offset'),
    replicaOffsets: [...fields].flatMap(([name, value]) =>
      /^slave[0-9]+$/.test(name) ? onlineOffset(value) : [],
    ),
  };
}

/** `ip=127.0.0.1,port=7402,state=online,offset=42,lag=0` */
function onlineOffset(replica: string): number[] {
  const parts = new Map(replica.split(',').map((part) => [part.split('=')[0], part.split('=')[1]]));
  return parts.get('state') === 'online' ? [Number(parts.get('offset') ?? 0)] : [];
}
