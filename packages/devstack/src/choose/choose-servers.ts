import { fillDebianCache, isDebianLike } from './debian-cache.ts';
import { planContainers, type ContainerOptions } from '../docker/engine.ts';
import { IMAGES } from '../docker/images.ts';
import { DevstackError } from '../errors.ts';
import {
  findProgram,
  type LocalProgram,
  NATS_PROGRAM,
  type ProgramSearch,
  REDIS_PROGRAM,
} from './local-programs.ts';
import type { ServerPlan, ServersChoice, SourcePlan } from '../servers.ts';

/** A source of servers that this package starts. */
export type OwnSource = 'docker' | 'process';

/** What to choose from. `serversFromEnvironment` returns the part that users set from outside. */
export interface ChooseServersOptions extends ContainerOptions {
  /** A running NATS server; takes precedence over everything else. */
  readonly natsUrl?: string;
  /** A running Redis; takes precedence over everything else. */
  readonly redisUrl?: string;
  /** Ignores `natsUrl` and `redisUrl`, for callers that must not use servers of others. Default false. */
  readonly ownOnly?: boolean;
  /** The only source for servers that were not given by URL: no other is tried. */
  readonly force?: OwnSource;
  /** The source tried first. Tests prefer `docker`; `npm start` and benchmarks prefer `process`. */
  readonly prefer: OwnSource;
  /** Folder that servers may be fetched into on Debian and Ubuntu. Without it nothing is fetched. */
  readonly cacheDir?: string;
}

/**
 * Chooses the source of Redis and NATS. Starts nothing; may pull images or fetch packages, which can take minutes.
 *
 * Given URLs are used as they are. The other servers come from the preferred source, else from the second one, and `reason`
 * says why; a forced source has no fallback.
 *
 * @throws {@link DevstackError} `no-servers`: names everything that is missing and what to install
 */
export async function chooseServers(options: ChooseServersOptions): Promise<ServersChoice> {
  const { natsUrl, redisUrl } = options.ownOnly ? {} : options;
  const redis: ServerPlan | undefined =
    redisUrl === undefined ? undefined : { kind: 'given', url: redisUrl };
  const nats: ServerPlan | undefined =
    natsUrl === undefined ? undefined : { kind: 'given', url: natsUrl };
  if (redis !== undefined && nats !== undefined) {
    return { source: 'urls', reason: 'servers: given by URL', redis, nats };
  }
  const own = await chooseOwnSource(options);
  const given = redis ? ', redis given by URL' : nats ? ', nats given by URL' : '';
  return {
    source: own.source,
    reason: `servers: ${own.what}${given}${own.instead}`,
    redis: redis ?? own.redis,
    nats: nats ?? own.nats,
  };
}

interface OwnChoice {
  readonly source: OwnSource;
  readonly redis: ServerPlan;
  readonly nats: ServerPlan;
  readonly what: string;
  /** Why the preferred source was not used; empty if it was. */
  readonly instead: string;
}

async function chooseOwnSource(options: ChooseServersOptions): Promise<OwnChoice> {
  const failures: string[] = [];
  for (const source of sourcesInOrder(options)) {
    options.signal?.throwIfAborted();
    const plan = source === 'docker' ? await planContainers(options) : await planProcesses(options);
    if (plan.kind === 'unusable') failures.push(plan.why);
    else return { source, ...plan, instead: failures.map((why) => ` (${why})`).join('') };
  }
  throw new DevstackError('no-servers', helpText(failures, options));
}

function sourcesInOrder({ force, prefer }: ChooseServersOptions): OwnSource[] {
  if (force !== undefined) return [force];
  return prefer === 'docker' ? ['docker', 'process'] : ['process', 'docker'];
}

async function planProcesses(options: ChooseServersOptions): Promise<SourcePlan> {
  const onPath = await findBoth();
  if (onPath.kind === 'usable') return onPath;
  if (options.cacheDir === undefined || !(await isDebianLike())) return onPath;
  const cache = await fillDebianCache(options.cacheDir, options);
  if (cache.kind === 'ready') return findBoth(cache.binDir);
  return { kind: 'unusable', why: `${onPath.why}; ${cache.why}` };
}

async function findBoth(folder?: string): Promise<SourcePlan> {
  const redis = await findProgram(REDIS_PROGRAM, folder);
  const nats = await findProgram(NATS_PROGRAM, folder);
  if (redis.kind === 'missing' || nats.kind === 'missing') {
    return { kind: 'unusable', why: [redis, nats].flatMap(whyMissing).join('; ') };
  }
  const [r, n] = [redis.program, nats.program];
  return {
    kind: 'usable',
    redis: { kind: 'process', ...r },
    nats: { kind: 'process', ...n },
    what: `processes (${nameAndVersion(r)}, ${nameAndVersion(n)}${folder ? `, of ${folder}` : ''})`,
  };
}

function whyMissing(search: ProgramSearch): string[] {
  return search.kind === 'missing' ? [search.why] : [];
}

function nameAndVersion({ command, version }: LocalProgram): string {
  return `${command.replace(/.*\//, '')} ${version}`;
}

/** Why no source is usable, and how to make one usable. */
export function helpText(
  failures: readonly string[],
  { force, ownOnly = false }: Pick<ChooseServersOptions, 'force' | 'ownOnly'> = {},
): string {
  const ways = force === undefined ? [...INSTALL.process, ...INSTALL.docker] : INSTALL[force];
  return [
    force === undefined
      ? 'there are no servers to use:'
      : `servers were to come from ${force} only:`,
    ...failures.map((why) => `  - ${why}`),
    'do one of these:',
    ...[...ways, ...(ownOnly ? [] : [GIVEN])].map((way) => `  - ${way}`),
  ].join('\n');
}

const GIVEN = 'set MGM_NATS_URL and MGM_REDIS_URL to running servers';

/** How to make a source usable. */
const INSTALL: Readonly<Record<OwnSource, readonly string[]>> = {
  process: [
    'macOS: brew install redis nats-server',
    'Fedora: dnf install valkey nats-server',
    'Debian, Ubuntu: apt install redis-server nats-server',
    'elsewhere: install Redis 7.0 or Valkey 7.2, and nats-server 2.9, or newer',
  ],
  docker: [
    `start a Docker engine, and docker pull ${IMAGES.redis}, docker pull ${IMAGES.nats} if it cannot pull them itself`,
  ],
};
