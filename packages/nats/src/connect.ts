import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { addAbortListener } from 'node:events';
import { Socket } from 'node:net';
import { connect as connectNats, type ConnectionOptions, type NatsConnection } from 'nats';

/** Node publishes each TCP client socket here before it connects. */
const NEW_SOCKETS = 'net.client.socket';

/** Identifies the dial in whose asynchronous context a socket is created. */
const currentDial = new AsyncLocalStorage<SocketsOfDial>();

/**
 * Connects as `connect` of the `nats` package does: the same options, the same errors ({@link natsFault} classifies them).
 *
 * The package leaves a socket open when its own `timeout` ends a dial before the server said anything, and cannot be
 * cancelled. Here a dial that fails, times out or is aborted leaves no socket, so it does not keep the process alive.
 *
 * @param signal aborts the dial: rejects immediately with its reason. Without effect on a connection that was returned.
 */
export async function connect(
  options: ConnectionOptions = {},
  signal?: AbortSignal,
): Promise<NatsConnection> {
  signal?.throwIfAborted();
  const sockets = new SocketsOfDial();
  const dialing = currentDial.run(sockets, () => connectNats(options));
  const settled = settle(dialing, sockets);
  if (signal === undefined) return settled;
  const aborted = Promise.withResolvers<never>();
  using _ = addAbortListener(signal, () => {
    sockets.giveUp();
    dialing.then((connection) => connection.close()).catch(() => {});
    aborted.reject(signal.reason);
  });
  return await Promise.race([settled, aborted.promise]);
}

async function settle(
  dialing: Promise<NatsConnection>,
  sockets: SocketsOfDial,
): Promise<NatsConnection> {
  try {
    const connection = await dialing;
    sockets.keepLast();
    return connection;
  } catch (error) {
    sockets.giveUp();
    throw error;
  } finally {
    sockets.stop();
  }
}

/** The sockets that one dial opens, one per attempted address. */
class SocketsOfDial {
  readonly #opened: Socket[] = [];
  #isGivenUp = false;
  readonly #onSocket = (message: unknown): void => {
    if (currentDial.getStore() === this) this.#add(message);
  };

  constructor() {
    subscribe(NEW_SOCKETS, this.#onSocket);
  }

  /** The last socket is the one that connected. */
  keepLast(): void {
    this.#opened.pop();
    this.#destroyAll();
  }

  /** Destroys all sockets of the dial, also those that it opens from now on. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#destroyAll();
  }

  stop(): void {
    unsubscribe(NEW_SOCKETS, this.#onSocket);
  }

  #add(message: unknown): void {
    if (!isSocketMessage(message)) return;
    this.#opened.push(message.socket);
    // The socket is published before it connects, and a connect would revive it.
    if (this.#isGivenUp) process.nextTick(() => this.#destroyAll());
  }

  #destroyAll(): void {
    for (const socket of this.#opened.splice(0)) socket.destroy();
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
