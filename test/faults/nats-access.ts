import type { TcpProxy } from '@mgm/devstack';

/** The URL of a server as it is reached through a proxy. */
export function behind(proxy: TcpProxy, serverUrl: string): string {
  const url = new URL(serverUrl);
  url.hostname = proxy.host;
  url.port = String(proxy.port);
  return url.href;
}

/** How a client is to connect to the NATS server of a URL. */
export function natsAccess(natsUrl: string): {
  servers: string;
  user?: string;
  pass?: string;
} {
  const { host, username, password } = new URL(natsUrl);
  if (username === '') return { servers: host };
  return { servers: host, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}
