import { startTcpProxy, type TcpProxy } from '@mgm/devstack';

/** How a client connects to the NATS server of a URL: credentials apart from the address. */
export interface NatsAccess {
  readonly servers: string;
  readonly user?: string;
  readonly pass?: string;
}

/** A way to a server through a proxy that can delay, cut and lose. Disposing ends it. */
export interface Link extends AsyncDisposable {
  readonly proxy: TcpProxy;
  /** The URL of the server through the proxy, with the credentials of the server's own URL. */
  readonly url: string;
}

/** Opens a link to a server. */
export async function linkTo({ url }: { readonly url: string }): Promise<Link> {
  const through = new URL(url);
  const proxy = await startTcpProxy({ host: through.hostname, port: Number(through.port) });
  through.host = `${proxy.host}:${proxy.port}`;
  // A URL object adds a slash to the address; NATS clients accept it, and Redis clients read it as database 0.
  return {
    proxy,
    url: through.href.replace(/\/$/, ''),
    [Symbol.asyncDispose]: async () => await proxy[Symbol.asyncDispose](),
  };
}

/** Takes a NATS URL apart, for clients that do not read credentials from it. */
export function natsAccess(natsUrl: string): NatsAccess {
  const { host, username, password } = new URL(natsUrl);
  if (username === '') return { servers: host };
  return { servers: host, user: decodeURIComponent(username), pass: decodeURIComponent(password) };
}
