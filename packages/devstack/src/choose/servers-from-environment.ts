import type { ChooseServersOptions, OwnSource } from './choose-servers.ts';
import { DevstackError } from '../errors.ts';

/** The part of {@link ChooseServersOptions} that users set from outside. */
export type ServersFromEnvironment = Pick<
  ChooseServersOptions,
  'natsUrl' | 'redisUrl' | 'force' | 'dockerHost' | 'ryuk'
>;

const NATS_SCHEMES = ['nats:', 'tls:'];
const REDIS_SCHEMES = ['redis:', 'rediss:'];

/**
 * Reads `MGM_NATS_URL`, `MGM_REDIS_URL`, `MGM_SERVERS` (`docker`, `process` or `auto`), `DOCKER_HOST` and
 * `TESTCONTAINERS_RYUK_DISABLED` from `env`. An empty value counts as absent.
 *
 * @throws {@link DevstackError} `bad-setting`: names the variable, its value and the allowed values
 */
export function serversFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): ServersFromEnvironment {
  const natsUrl = urlsOf(env, 'MGM_NATS_URL', NATS_SCHEMES);
  const redisUrl = urlsOf(env, 'MGM_REDIS_URL', REDIS_SCHEMES);
  const force = forceOf(env['MGM_SERVERS']);
  const dockerHost = env['DOCKER_HOST'];
  return {
    ...(natsUrl && { natsUrl }),
    ...(redisUrl && { redisUrl }),
    ...(force && { force }),
    ...(dockerHost && { dockerHost }),
    ...(env['TESTCONTAINERS_RYUK_DISABLED'] === 'true' && { ryuk: false }),
  };
}

function forceOf(value = ''): OwnSource | undefined {
  if (value === 'docker' || value === 'process') return value;
  if (value === '' || value === 'auto') return undefined;
  throw new DevstackError('bad-setting', `MGM_SERVERS=${value}: must be docker, process or auto`);
}

function urlsOf(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  schemes: readonly string[],
): string | undefined {
  const value = env[name];
  if (value === undefined || value === '') return undefined;
  const urls = schemes === NATS_SCHEMES ? value.split(',') : [value];
  const fits = urls.every((url) => schemes.includes(URL.parse(url.trim())?.protocol ?? ''));
  if (fits) return value;
  // The value may hold a password, so it is not repeated.
  throw new DevstackError('bad-setting', `${name}: must be like ${schemes[0]}//host:port`);
}
