import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { addAbortListener } from 'node:events';
import { Socket } from 'node:net';
import { connect as connectNats, type ConnectionOptions, type NatsConnection } from 'nats';

/** Node publishes each TCP client socket here before it connects. */
const NEW_SOCKETS = 'net.client.socket';
const DEFAULT_PORT = 4222;

/** Identifies the connection in whose asynchronous context a socket is created. */
const currentSockets = new AsyncLocalStorage<DialSockets>();

/**
 * Connects as `connect` of the `nats` package does: the same options, the same errors ({@link natsFault} classifies them).
 *
 * The package leaves a socket open when its own `timeout` ends a dial before the server sent anything, and cannot be cancelled.
 * Here a dial that fails, times out or is aborted leaves no socket, so it does not keep the process alive. The same holds for
 * later dials of the connection, and for one that runs when the connection is closed.
 *
 * @param signal aborts the dial: rejects immediately with its reason. Without effect on a connection that was returned.
 */
export async function connect(
  options: ConnectionOptions = {},
  signal?: AbortSignal,
): Promise<NatsConnection> {
  signal?.throwIfAborted();
  const sockets = new DialSockets();
  const dialing = currentSockets.run(sockets, () => connectNats(options));
  const settled = settle(dialing, sockets, options);
  if (signal === undefined) return settled;
  const aborted = Promise.withResolvers<never>();
  const listener = addAbortListener(signal, () => {
    sockets.giveUp();
    dialing.then((connection) => connection.close()).catch(() => {});
    aborted.reject(signal.reason);
  });
  try {
    return await Promise.race([settled, aborted.promise]);
  } finally {
    listener[Symbol.dispose]();
  }
}

async function settle(
  dialing: Promise<NatsConnection>,
  sockets: DialSockets,
  options: ConnectionOptions,
): Promise<NatsConnection> {
  try {
    const connection = await dialing;
    const { connect_urls: gossiped = [] } = connection.info ?? {};
    sockets.restrictTo(new Set([options.servers ?? [], gossiped].flat().map(portOf)));
    void connection.closed().then(() => sockets.stop());
    return connection;
  } catch (error) {
    sockets.stop();
    throw error;
  }
}

/** The port of `host:port`, with or without scheme and credentials. */
function portOf(server: string): number {
  return Number(/:(\d+)\/?$/.exec(server)?.[1] ?? DEFAULT_PORT);
}

/**
 * The sockets that the dials of one connection open. A NATS server sends first, and there is one dial at a time: a socket that
 * has received nothing when the next one is opened was abandoned.
 */
class DialSockets {
  readonly #dialing = new Set<Socket>();
  #isGivenUp = false;
  /** After the first dial: of the NATS servers. Handlers of messages may open other sockets in the same context. */
  #ports: ReadonlySet<number> | undefined;
  readonly #onSocket = (message: unknown): void => {
    if (currentSockets.getStore() === this && isSocketMessage(message))
      this.#opened(message.socket);
  };

  constructor() {
    subscribe(NEW_SOCKETS, this.#onSocket);
  }

  /** The first dial has succeeded. */
  restrictTo(ports: ReadonlySet<number>): void {
    this.#ports = ports;
    this.#dialing.clear();
  }

  /** Destroys the sockets of dials, also those that are opened from now on. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#destroyAll();
  }

  stop(): void {
    this.giveUp();
    unsubscribe(NEW_SOCKETS, this.#onSocket);
  }

  #opened(socket: Socket): void {
    const ports = this.#ports;
    if (ports === undefined) return this.#track(socket);
    socket.once('connectionAttempt', (_ip: string, port: number) => {
      if (ports.has(port)) this.#track(socket);
    });
  }

  #track(socket: Socket): void {
    this.#destroySilent();
    this.#dialing.add(socket);
    // A new socket is published before it connects, and connecting would revive it.
    if (this.#isGivenUp) process.nextTick(() => this.#destroyAll());
  }

  #destroySilent(): void {
    for (const socket of this.#dialing) {
      if (socket.bytesRead === 0) socket.destroy();
      if (socket.destroyed || this.#ports) this.#dialing.delete(socket);
    }
  }

  /** After the first dial a socket with data may be that of another connection. */
  #destroyAll(): void {
    if (this.#ports) return this.#destroySilent();
    for (const socket of this.#dialing) socket.destroy();
    this.#dialing.clear();
  }
}

function isSocketMessage(message: unknown): message is { readonly socket: Socket } {
  return (
    typeof message === 'object' &&
    message !== null &&
    'socket' in message &&
    message.socket instanceof Socket
  );
}
