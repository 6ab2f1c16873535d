import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../process/free-port.ts';
import { type LaneMode, TcpLane } from './tcp-lane.ts';

/** A direction through the proxy: to the server, to the client, or both. */
export type Direction = 'to-server' | 'to-client' | 'both';

/** The server behind the proxy. */
export interface TcpProxyOptions {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/**
 * A TCP proxy on 127.0.0.1 that simulates network faults. Faults add up and apply to present and new connections until `heal`,
 * unless noted otherwise.
 */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  /** Constant, also across `refuse` and `heal`. */
  readonly port: number;
  /** The number of connections. */
  readonly connections: number;
  /** Delays each direction by `ms` (a round trip takes twice that). Order is kept. 0 ends the delay. */
  latencyMs(ms: number): void;
  /**
   * Lets nothing through, like a network partition: connections stay open, without any notification. After `heal` the data
   * sent in the meantime arrives late. New connections are accepted, since a proxy cannot avoid it, and then stay silent.
   */
  blackhole(direction?: Direction): void;
  /**
   * The server gets and executes requests, but its replies are lost: the outcome is unknown to the client. Lost bytes cannot
   * be restored, so `heal` cuts the connections that lost any.
   */
  dropReplies(): void;
  /** Cuts the present connections with RST on both sides. New ones pass. */
  reset(): void;
  /** Cuts the present connections and refuses new ones (ECONNREFUSED). Resolves when the port is closed. */
  refuse(): Promise<void>;
  /** Ends all faults. Resolves when new connections pass. */
  heal(): Promise<void>;
  /** Connects new connections to another server; present ones are unchanged. */
  setUpstream(upstream: TcpProxyOptions): void;
}

/** Starts a proxy in front of a server. Disposing it cuts every connection. */
export async function startTcpProxy(upstream: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new FaultyProxy(upstream, await freePort());
  await proxy.listen();
  return proxy;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly toServer: TcpLane;
  readonly toClient: TcpLane;
}

class FaultyProxy implements TcpProxy {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #pairs = new Set<Pair>();
  #upstream: TcpProxyOptions;
  #listener: Server | undefined;
  #delayMs = 0;
  #toServer: LaneMode = 'pass';
  #toClient: LaneMode = 'pass';

  constructor(upstream: TcpProxyOptions, port: number) {
    this.#upstream = upstream;
    this.port = port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  async listen(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (c) => this.#accept(c));
    listener.listen({ port: this.port, host: this.host, exclusive: true });
    await once(listener, 'listening');
    this.#listener = listener;
  }

  latencyMs(ms: number): void {
    this.#delayMs = ms;
    this.#apply();
  }

  blackhole(direction: Direction = 'both'): void {
    if (direction !== 'to-client') this.#toServer = 'hold';
    if (direction !== 'to-server') this.#toClient = 'hold';
    this.#apply();
  }

  dropReplies(): void {
    this.#toClient = 'lose';
    this.#apply();
  }

  reset(): void {
    for (const pair of this.#pairs) cut(pair);
  }

  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = listener && once(listener, 'close');
    listener?.close();
    this.reset();
    await closed;
  }

  async heal(): Promise<void> {
    this.#delayMs = 0;
    this.#toServer = 'pass';
    this.#toClient = 'pass';
    for (const pair of this.#pairs) if (pair.toClient.hasLost) cut(pair);
    this.#apply();
    if (this.#listener === undefined) await this.listen();
  }

  setUpstream(upstream: TcpProxyOptions): void {
    this.#upstream = upstream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
  }

  #accept(client: Socket): void {
    const { host = '127.0.0.1', port } = this.#upstream;
    const server = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const toServer = new TcpLane(client, server);
    const toClient = new TcpLane(server, client);
    const pair: Pair = { client, server, toServer, toClient };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      // Without a listener an error would end the process; 'close' follows every error.
      socket.on('error', () => {});
      socket.on('close', () => client.destroyed && server.destroyed && this.#pairs.delete(pair));
    }
    this.#applyTo(pair);
  }

  #apply(): void {
    for (const pair of this.#pairs) this.#applyTo(pair);
  }

  #applyTo({ toServer, toClient }: Pair): void {
    toServer.delayMs = toClient.delayMs = this.#delayMs;
    toServer.mode = this.#toServer;
    toClient.mode = this.#toClient;
  }
}

function cut({ client, server }: Pair): void {
  for (const socket of [client, server]) {
    // Node 24 cannot reset a socket that is sending its end: it never closes it, and spins when the process ends.
    const isEnding = socket.writableEnded && !socket.writableFinished;
    if (isEnding) socket.destroy();
    else socket.resetAndDestroy();
  }
}
