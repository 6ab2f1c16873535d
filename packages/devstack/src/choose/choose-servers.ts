import { fillDebianCache, isDebianLike } from './debian-cache.ts';
import { planContainers } from './docker-engine.ts';
import { DevstackError } from './errors.ts';
import {
  findProgram,
  type LocalProgram,
  NATS_PROGRAM,
  type ProgramSearch,
  REDIS_PROGRAM,
} from './local-programs.ts';
import type { ServerPlan, ServersChoice } from './servers.ts';

/** A source of servers that we run ourselves. */
export type OwnSource = 'docker' | 'process';

/** What to choose from. `serversFromEnvironment` gives the first five. */
export interface ChooseServersOptions {
  /** A NATS server that runs already; wins over everything else. */
  readonly natsUrl?: string;
  /** A Redis that runs already; wins over everything else. */
  readonly redisUrl?: string;
  /** The only source allowed for servers that were not given: no other is tried. */
  readonly force?: OwnSource;
  /** Address of the Docker engine, as in `DOCKER_HOST`, where it is not the usual one. */
  readonly dockerHost?: string;
  /** Whether the image that removes a killed run's containers may be used. Default: yes, where it can be had. */
  readonly ryuk?: boolean;
  /** The source tried first. Tests prefer `docker`; `npm start` and benchmarks prefer `process`. */
  readonly prefer: OwnSource;
  /** Folder that servers may be fetched into on Debian and Ubuntu. Without it nothing is fetched. */
  readonly cacheDir?: string;
  /** Told one line at a time what takes long: fetching packages, pulling images. */
  readonly onProgress?: (line: string) => void;
  /** Ends fetching and pulling; the choice then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A source's two plans with one line about them, or why it has none. */
export type SourcePlan =
  | {
      readonly kind: 'usable';
      readonly redis: ServerPlan;
      readonly nats: ServerPlan;
      readonly what: string;
    }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Chooses where Redis and NATS come from. Starts nothing; may pull images or fetch packages, which can take minutes.
 *
 * URLs given are used as they are. What was not given comes from the source preferred, else from the other one, and
 * `reason` says why; a forced source has no other.
 *
 * @throws {@link DevstackError} `no-servers`: names everything that is missing and what to install
 */
export async function chooseServers(options: ChooseServersOptions): Promise<ServersChoice> {
  const { natsUrl, redisUrl } = options;
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
  /** Why the source preferred was not it; empty when it was. */
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
  throw new DevstackError('no-servers', helpText(failures, options.force));
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

function helpText(failures: readonly string[], force: OwnSource | undefined): string {
  const install = {
    docker: 'start a Docker engine that has or can pull the images',
    process: 'install redis-server (or valkey-server) 7.0 or newer and nats-server 2.9 or newer',
  };
  const ways = force === undefined ? `${install.process}, or ${install.docker}` : install[force];
  return [
    force === undefined
      ? 'there are no servers to use:'
      : `servers were to come from ${force} only:`,
    ...failures.map((why) => `  - ${why}`),
    `To help: ${ways}; or give the addresses of running ones (MGM_NATS_URL, MGM_REDIS_URL).`,
  ].join('\n');
}
