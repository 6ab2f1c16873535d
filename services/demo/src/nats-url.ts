/** Where NATS is and as whom to connect, as the `nats` package and `@mgm/client` take it. */
export interface NatsServers {
  /** `host:port` of each. */
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** There where the connection must be encrypted. */
  readonly tls?: object;
}

/** Reads one or several NATS URLs with commas between. A name without a password is a token, as NATS itself reads it. */
export function natsServers(urls: string): NatsServers {
  const parsed = urls.split(',').map((url) => new URL(url.trim()));
  const { username = '', password = '' } = parsed.find((url) => url.username !== '') ?? {};
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: parsed.map((url) => url.host),
    ...(parsed.some((url) => url.protocol === 'tls:') && { tls: {} }),
    ...(user !== '' && (pass === '' ? { token: user } : { user, pass })),
  };
}

/** URLs as they may be shown: what stands before an `@` may be secret. */
export function withoutSecrets(urls: string): string {
  return urls.replaceAll(/\/\/[^@/,]*@/g, '//***@');
}
