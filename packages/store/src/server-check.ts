import type { Durability } from './durability.ts';
import { isForbidden } from './redis-errors.ts';
import { readServerInfo, type ServerInfo } from './server-info.ts';

/**
 * Why a server that answers can't be used.
 *
 * - `misconfigured`: as long as nobody changes its configuration.
 * - `not-yet`: now; it may pass by itself (a replica that is still connecting, a failover that is under way).
 */
export type Unfitness = 'misconfigured' | 'not-yet';

/** A server that answers and must not be used. The message says what to do about it. */
export class UnfitServer extends Error {
  readonly unfitness: Unfitness;

  constructor(unfitness: Unfitness, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'UnfitServer';
    this.unfitness = unfitness;
  }
}

/** Sends one command to the server in question. */
export type AskServer = (command: string, ...args: string[]) => Promise<unknown>;

const OLDEST_MAJOR = 7;

/** A setting that must have one value, and why. */
interface Must {
  readonly setting: string;
  readonly value: string;
  readonly why: string;
}

/** `appendfsync always` alone does not sync while the file is being rewritten, where it is told not to. */
const DURABLE_MUST: readonly Must[] = [
  { setting: 'appendfsync', value: 'always', why: 'a change is answered before it is on disk' },
  {
    setting: 'no-appendfsync-on-rewrite',
    value: 'no',
    why: 'while the append-only file is rewritten, a change is answered before it is on disk',
  },
];

/**
 * Whether a server keeps what is promised: asked on every new connection, since the server may be another one by then,
 * and now and then, since it may be told otherwise while it runs.
 */
export class ServerCheck {
  readonly #durability: Durability;
  #trustsReplicas = false;
  /** What replicas that are not trusted must have before they are: all that the primary had when they were looked at. */
  #mustReach: { readonly replicationId: string; readonly offset: number } | undefined;

  constructor(durability: Durability) {
    this.#durability = durability;
  }

  /** Resolves with the server's name and version. Rejects with {@link UnfitServer}, or with what the server answered. */
  async check(ask: AskServer): Promise<string> {
    // All sections: older servers refuse a list of them, and would not be told that they are too old.
    const info = readServerInfo(String(await ask('INFO')));
    refuseOld(info);
    refuseReplica(info);
    refuseEviction(info);
    if (this.#durability.mode === 'durable') await refuseForgetful(info, ask);
    if (this.#durability.mode === 'replicated') {
      this.#refuseAlone(info, this.#durability.replicas);
    }
    return info.server;
  }

  /** The connection was lost, or replicas did not confirm in time: they have to catch up before they count again. */
  distrust(): void {
    this.#trustsReplicas = false;
  }

  #refuseAlone({ replicationId, offset, replicaOffsets }: ServerInfo, wanted: number): void {
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

/** A key that is evicted is an owner, or an epoch, that nobody remembers. */
function refuseEviction({ maxMemory, evictionPolicy }: ServerInfo): void {
  if (maxMemory === 0 || evictionPolicy === 'noeviction') return;
  throw new UnfitServer(
    'misconfigured',
    `Redis evicts keys when its memory is full (maxmemory-policy ${evictionPolicy}): ${remedy('maxmemory-policy', 'noeviction')}`,
  );
}

async function refuseForgetful({ hasAof, lastAofWrite }: ServerInfo, ask: AskServer) {
  if (!hasAof) {
    throw new UnfitServer(
      'misconfigured',
      `durability \`durable\` needs the append-only file of Redis, which is off: ${remedy('appendonly', 'yes')}`,
    );
  }
  for (const { setting, value, why } of DURABLE_MUST) {
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

/** What a failed check says about the server, where it does. */
export function unfitnessIn(error: unknown): UnfitServer | undefined {
  if (error instanceof UnfitServer) return error;
  if (!isForbidden(error)) return undefined;
  return new UnfitServer(
    'misconfigured',
    `Redis does not let this user run what a manager needs: ${String(error)}; allow it with ` +
      '`ACL SETUSER <user> +@all -@admin +info +config|get ~mgm:*`',
    { cause: error },
  );
}

async function settingOf(setting: string, ask: AskServer): Promise<string> {
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
