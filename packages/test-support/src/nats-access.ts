/** How a client connects to the NATS server of a URL: credentials apart from the address. */
export interface NatsAccess {
  readonly servers: string;
  readonly user?: string;
  readonly pass?: string;
}

/** Takes a NATS URL apart, for clients that do not read credentials from it. */
export function natsAccess(natsUrl: string): NatsAccess {
  const { host, username, password } = new URL(natsUrl);
  if (username === '') return { servers: host };
  return { servers: host, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}
