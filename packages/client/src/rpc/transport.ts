import { connect as connectNats, createInbox, isNoResponders, natsFault } from '@mgm/nats';
import type { ConnectionOptions, Msg, NatsConnection, Status } from '@mgm/nats';
import { MgmError } from '../errors.ts';

export type { ConnectionOptions, NatsConnection } from '@mgm/nats';

/** `up`: messages are sent. `down`: the connection is lost and is being restored. `closed`: final. */
export type LinkState = 'up' | 'down' | 'closed';

/** A received message. `noResponders`: the reply of NATS itself that a request's subject has no subscribers (503). */
export interface Incoming {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly noResponders: boolean;
}

/** Listeners for changes of the connection. */
export interface LinkListener {
  onState(state: LinkState): void;
  /** The server does not let this user publish to, or subscribe to, a subject. */
  onForbidden(operation: 'publish' | 'subscription', subject: string): void;
}

/** A silent connection is noticed after three unanswered intervals, well within the default lease of 10 s. */
const PING_INTERVAL_MS = 2_000;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 200;
const CONNECT_TIMEOUT_MS = 2_000;

/** Defaults, overridden by the caller's options: lost connections are noticed soon and restored for ever. */
const CONNECTION_DEFAULTS = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: RECONNECT_WAIT_MS,
  reconnectJitter: RECONNECT_JITTER_MS,
  pingInterval: PING_INTERVAL_MS,
  maxPingOut: 2,
  timeout: CONNECT_TIMEOUT_MS,
  ignoreAuthErrorAbort: true,
} as const satisfies ConnectionOptions;

/**
 * One attempt to connect. Rejects with {@link MgmError} `not-permitted` for a refused login, otherwise `unavailable`; with
 * the reason of the signal when that fires.
 */
export async function dial(
  options: ConnectionOptions,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  try {
    return await connectNats({ ...CONNECTION_DEFAULTS, ...options }, signal);
  } catch (cause) {
    throw signal?.aborted ? cause : connectError(cause);
  }
}

/**
 * The NATS connection as the client uses it: publish with a reply subject, subscribe, and observe its state.
 *
 * Nothing may be published while it is down: the `nats` package would buffer the message and might send it much later,
 * long after its call failed.
 */
export class Transport {
  readonly inbox: string;
  readonly #connection: NatsConnection;
  readonly #owned: boolean;
  #listeners: LinkListener[] = [];
  #state: LinkState = 'up';

  /** @param owned whether `close` closes the connection, too */
  constructor(connection: NatsConnection, owned: boolean, inboxPrefix?: string) {
    this.#connection = connection;
    this.#owned = owned;
    this.inbox = createInbox(inboxPrefix);
    if (connection.isClosed()) this.#state = 'closed';
    else this.#watch();
  }

  get state(): LinkState {
    return this.#state;
  }

  get server(): string {
    return this.#connection.getServer();
  }

  /** Adds a listener. Returns a function that removes it. */
  listen(listener: LinkListener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  /** Calls `onState` at each change of state. Returns a function that ends that. */
  onState(onState: (state: LinkState) => void): () => void {
    return this.listen({ onState, onForbidden: () => {} });
  }

  /** Hands a message to the connection. Throws {@link MgmError} if it was not sent. */
  publish(subject: string, payload: Uint8Array, reply: string): void {
    try {
      this.#connection.publish(subject, payload, { reply });
    } catch (cause) {
      throw publishError(cause);
    }
  }

  /** Calls `onMessage` for each message, in the order of arrival. Returns a function that unsubscribes. */
  subscribe(subject: string, onMessage: (message: Incoming) => void): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (!error) onMessage(incoming(message));
      },
    });
    return () => {
      if (!this.#connection.isClosed()) subscription.unsubscribe();
    };
  }

  /** Closes an owned connection immediately: unflushed messages are lost. */
  async close(): Promise<void> {
    this.#change('closed');
    if (this.#owned) await this.#connection.close();
  }

  #watch(): void {
    void this.#follow(this.#connection.status());
    void this.#connection.closed().then(() => this.#change('closed'));
  }

  async #follow(statuses: AsyncIterable<Status>): Promise<void> {
    for await (const status of statuses) {
      if (this.#state === 'closed') return;
      if (status.type === 'disconnect') this.#change('down');
      else if (status.type === 'reconnect') this.#change('up');
      else if (status.permissionContext) this.#forbid(status.permissionContext);
    }
  }

  #forbid({ operation, subject }: NonNullable<Status['permissionContext']>): void {
    for (const listener of this.#listeners) {
      listener.onForbidden(operation === 'publish' ? 'publish' : 'subscription', subject);
    }
  }

  #change(state: LinkState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    for (const listener of this.#listeners) listener.onState(state);
  }
}

function incoming(message: Msg): Incoming {
  const { subject, data } = message;
  return { subject, data, noResponders: isNoResponders(message) };
}

function connectError(cause: unknown): MgmError {
  const { kind } = natsFault(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  if (kind === 'login-refused') {
    return new MgmError(`NATS refuses the login: ${text}`, {
      reason: 'not-permitted',
      outcome: 'not-done',
      cause,
    });
  }
  return new MgmError(`NATS is not reachable: ${text}`, {
    reason: 'unavailable',
    outcome: 'not-done',
    retryable: kind !== 'misconfigured',
    cause,
  });
}

function publishError(cause: unknown): MgmError {
  if (natsFault(cause).kind === 'too-large') {
    return new MgmError('the request exceeds `max_payload` of the NATS server', {
      reason: 'bad-request',
      outcome: 'not-done',
      cause,
    });
  }
  return new MgmError('the NATS connection is closed', {
    reason: 'closed',
    outcome: 'not-done',
    cause,
  });
}
