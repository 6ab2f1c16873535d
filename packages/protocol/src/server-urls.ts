import { parseAddress } from './address.ts';

/** Addresses of NATS servers and credentials, read from URLs. */
export interface NatsServers {
  /** `host:port` of each; the port may be absent (4222). */
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Whether the connection must be encrypted (`tls://`). */
  readonly tls: boolean;
}

/**
 * Reads one or several comma-separated NATS URLs: `nats://host:port`, `nats://user:pass@host`, `nats://token@host`,
 * `tls://host`. The credentials of one URL count for all. Throws `RangeError` whose message does not repeat the
 * text, which may contain a password. The `nats` package does not read credentials from a URL.
 */
export function parseNatsUrls(text: string): NatsServers {
  const urls = text.split(',').map((part) => readServerUrl(part.trim(), ['nats:', 'tls:']));
  const schemes = new Set(urls.map((url) => url.protocol));
  if (schemes.size > 1) throw new RangeError('must not mix nats:// and tls://');
  if (urls.some((url) => url.pathname !== '' && url.pathname !== '/')) {
    throw new RangeError('must end with the port');
  }
  return {
    servers: urls.map((url) => url.host),
    tls: schemes.has('tls:'),
    ...credentialsOf(urls),
  };
}

/** The URLs of a setting for logs: everything before `@` is replaced. */
export function withoutSecrets(urls: string): string {
  // Up to the last @ of each URL: a password may hold one, and commas.
  return urls.replaceAll(/\/\/(?:(?!\/\/).)*@/g, '//***@');
}

/** A URL with a host and one of these schemes. Throws `RangeError` as {@link parseNatsUrls} does. */
export function readServerUrl(text: string, schemes: readonly string[]): URL {
  const url = URL.parse(text);
  if (url === null || !schemes.includes(url.protocol) || url.hostname === '') {
    throw new RangeError(
      `must be like ${schemes.map((scheme) => `${scheme}//host:port`).join(' or ')}`,
    );
  }
  if (url.search !== '' || url.hash !== '') throw new RangeError('must have no ? and no #');
  if (url.port === '0') throw new RangeError('must have a port from 1 to 65535');
  if (NUMERIC_HOST.test(url.hostname) && parseAddress(url.hostname) === undefined) {
    throw new RangeError('must have an IPv4 address of four decimal parts without leading zeros');
  }
  decoded(url);
  return url;
}

/** Hosts that the operating system reads as an IPv4 address, also in octal, hexadecimal and short forms. */
const NUMERIC_HOST = /^(?:0x[\da-f]*|\d+)(?:\.(?:0x[\da-f]*|\d+))*\.?$/i;

type Credentials = Pick<NatsServers, 'user' | 'pass' | 'token'>;

function credentialsOf(urls: readonly URL[]): Credentials {
  const given = urls.map(decoded).filter(({ user, pass }) => user !== '' || pass !== '');
  const [first, ...others] = given;
  if (first === undefined) return {};
  if (others.some(({ user, pass }) => user !== first.user || pass !== first.pass)) {
    throw new RangeError('must carry the same user and password for every server');
  }
  // A user without password is a token, as in NATS itself.
  return first.pass === '' ? { token: first.user } : first;
}

function decoded(url: URL): { user: string; pass: string } {
  try {
    return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  } catch {
    throw new RangeError('must have % in its user and password written as %25');
  }
}
