import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  chooseServers,
  serversFromEnvironment,
  type OwnSource,
  type ServersChoice,
} from '@mgm/devstack';

/** Where Redis and NATS come from: containers, processes, or what `chooseServers` of `@mgm/devstack` chose. */
export type ServersOption = OwnSource | ServersChoice;

/** On Debian and Ubuntu missing servers are fetched into this folder. */
const CACHE = join(homedir(), '.cache/mgm/servers');

/** The choices made so far in this process: each looks for an engine, images and programs. */
const choices = new Map<OwnSource | 'auto', Promise<ServersChoice>>();

/** Finds out where servers come from, once per process and source. */
export function serversFor(wanted: ServersOption | undefined): Promise<ServersChoice> {
  if (typeof wanted === 'object') return Promise.resolve(wanted);
  const key = wanted ?? 'auto';
  const known = choices.get(key);
  if (known) return known;
  const choice = choose(wanted);
  choices.set(key, choice);
  // The next call tries again: meanwhile the caller may have started an engine.
  choice.catch(() => choices.delete(key));
  return choice;
}

/** Ignores the URLs of servers in the environment: a test must never break, or fill, servers that are in use. */
function choose(wanted: OwnSource | undefined): Promise<ServersChoice> {
  // oxlint-disable-next-line node/no-process-env -- a test run is configured by its environment, as testcontainers is
  const { force, ...found } = serversFromEnvironment(process.env);
  const forced = wanted ?? force;
  return chooseServers({
    ...found,
    ownOnly: true,
    ...(forced && { force: forced }),
    prefer: 'docker',
    cacheDir: CACHE,
  });
}
