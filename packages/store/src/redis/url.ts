import { readServerUrl } from '@mgm/protocol';

/** The address that a server listens on. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
  /** Whether every connection must be encrypted. */
  readonly tls: boolean;
}

/** What a URL has no place for. All of it applies to every connection of its kind. */
export interface RedisCredentials {
  /** Of TLS, in PEM: the client's certificate with its key, and authorities instead of those that Node trusts. */
  readonly tls?:
    { readonly cert?: string; readonly key?: string; readonly ca?: string } | undefined;
  /** The password of the sentinels themselves. */
  readonly sentinelPassword?: string | undefined;
}

/** How to reach the store, parsed from a URL. */
export type RedisAddress = Login &
  (
    | ({ readonly kind: 'single'; readonly db: number } & HostPort)
    | {
        readonly kind: 'sentinel';
        readonly sentinels: readonly HostPort[];
        /** The name that the sentinels have for the primary. */
        readonly service: string;
        readonly db: number;
      }
    | { readonly kind: 'cluster'; readonly nodes: readonly HostPort[] }
  );

const FORM =
  /^(rediss?)(-sentinel|-cluster)?:\/\/(?:([^/#?]*)@)?([^@/#?]+)(?:\/([^#?]*))?(?:#(.*))?$/;
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

/** The forms of a Redis URL, for error texts. */
export const REDIS_URL_FORMS =
  'redis://host:port/db, redis-sentinel://host:port,host:port/db#name or redis-cluster://host:port,host:port, with rediss for TLS';

/**
 * Reads `redis://[user:password@]host[:port][/db]`, `redis-sentinel://[user:password@]host[:port],…[/db]#name` (the hosts are
 * sentinels; user and password are those of Redis) and `redis-cluster://[user:password@]host[:port],…` (some of
 * the nodes). `rediss`, `rediss-sentinel` and `rediss-cluster` use TLS. Throws `RangeError` whose message does not repeat
 * the text, which may hold a password.
 */
export function parseRedisUrl(text: string): RedisAddress {
  if (text.includes('?')) throw new RangeError('must have no ?, in its password %3F');
  const parts = FORM.exec(text);
  if (parts === null) throw new RangeError(`must be like ${REDIS_URL_FORMS}`);
  const [, scheme, kind = '', login = '', hosts = '', db = '', service] = parts;
  const common = { ...loginIn(login), tls: scheme === 'rediss' };
  if (!/^[0-9]*$/.test(db)) {
    throw new RangeError('must end with the port or the number of the database');
  }
  const servers = hosts.split(',').map((host) => readHostPort(host, kind));
  const [first] = servers;
  if (kind !== '-sentinel' && service !== undefined) {
    throw new RangeError('must have no # unless it names what sentinels watch');
  }
  if (kind === '-sentinel') {
    if (service === undefined || !/^[A-Za-z0-9._-]+$/.test(service)) {
      throw new RangeError('must end with # and the name that the sentinels know the primary by');
    }
    return { ...common, kind: 'sentinel', sentinels: servers, service, db: Number(db) };
  }
  if (kind === '-cluster') {
    if (Number(db) !== 0) throw new RangeError('must name no database: a cluster has only one');
    return { ...common, kind: 'cluster', nodes: servers };
  }
  if (servers.length > 1 || first === undefined) {
    throw new RangeError('must be redis-sentinel:// or redis-cluster:// to have several hosts');
  }
  return { ...common, kind: 'single', ...first, db: Number(db) };
}

function readHostPort(text: string, kind: string): HostPort {
  const { hostname, port } = readServerUrl(`redis://${text.trim()}`, ['redis:']);
  const preset = kind === '-sentinel' ? SENTINEL_PORT : REDIS_PORT;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? preset : Number(port) };
}

function loginIn(text: string): Omit<Login, 'tls'> {
  // Logs split a URL at commas to hide the passwords in it.
  if (/[,\s]/.test(text)) {
    throw new RangeError(
      'must have commas and spaces in its user and password written as %2C, %20',
    );
  }
  const [username = '', ...rest] = text.split(':');
  try {
    const [user, password] = [decodeURIComponent(username), decodeURIComponent(rest.join(':'))];
    return { ...(user !== '' && { username: user }), ...(password !== '' && { password }) };
  } catch {
    throw new RangeError('must have % in its user and password written as %25');
  }
}
