import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

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
