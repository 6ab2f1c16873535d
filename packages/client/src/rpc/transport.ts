import { connect as connectNats, createInbox, isNoResponders, natsFault } from '@mgm/nats';
import type { ConnectionOptions, Msg, NatsConnection, Status } from '@mgm/nats';
import { MgmError } from '../errors.ts';

export type { ConnectionOptions, NatsConnection } from '@mgm/nats';

/** `up`: messages go out. `down`: the connection is lost and being made again. `closed`: for good. */
export type LinkState = 'up' | 'down' | 'closed';

/** A message that came in. `noResponders`: NATS' own answer that nobody listens on the subject of a request (503). */
export interface Incoming {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly noResponders: boolean;
}

/** What the rest of the client hears from the link without having asked. */
export interface LinkListener {
  onState(state: LinkState): void;
  /** The server refuses this user to publish to, or to subscribe to, a subject. */
  onForbidden(operation: 'publish' | 'subscription', subject: string): void;
}

/** How soon a silent connection is noticed: three unanswered intervals, well within the default lease of 10 s. */
const PING_INTERVAL_MS = 2_000;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 200;
const CONNECT_TIMEOUT_MS = 2_000;

/** Ours first, the caller's over them: connection losses are healed for ever, and noticed soon. */
const CONNECTION_DEFAULTS = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: RECONNECT_WAIT_MS,
  reconnectJitter: RECONNECT_JITTER_MS,
  pingInterval: PING_INTERVAL_MS,
  maxPingOut: 2,
  timeout: CONNECT_TIMEOUT_MS,
  ignoreAuthErrorAbort: true,
} as const satisfies ConnectionOptions;

/** One try to connect. Rejects with {@link MgmError} `not-permitted` for a refused login, else `unavailable`. */
export async function dial(options: ConnectionOptions): Promise<NatsConnection> {
  try {
    return await connectNats({ ...CONNECTION_DEFAULTS, ...options });
  } catch (cause) {
    throw connectError(cause);
  }
}

/**
 * The NATS connection as the client uses it: publish with a reply subject, subscribe, and know whether it is up. The only
 * file that touches the `nats` package.
 *
 * While it is down nothing must be published: the package would keep the message and might send it much later, long
 * after the caller gave up on it.
 */
export class Transport {
  readonly inbox: string;
  readonly #connection: NatsConnection;
  readonly #owned: boolean;
  #listeners: LinkListener[] = [];
  #state: LinkState = 'up';

  /** @param owned whether `close` ends the connection, too */
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

  /** Tells the listener from now on. Returns what ends that. */
  listen(listener: LinkListener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }

  /** Calls `onState` at each change of state. Returns what ends that. */
  onState(onState: (state: LinkState) => void): () => void {
    return this.listen({ onState, onForbidden: () => {} });
  }

  /** Hands a message to the socket. Throws {@link MgmError} where it can't be; then it was not sent. */
  publish(subject: string, payload: Uint8Array, reply: string): void {
    try {
      this.#connection.publish(subject, payload, { reply });
    } catch (cause) {
      throw publishError(cause);
    }
  }

  /** Calls `onMessage` for each message, in the order of arrival. Returns what ends it. */
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

  /** Resolves when the server has everything that was published so far; never where the connection is lost. */
  async flush(): Promise<void> {
    await this.#connection.flush();
  }

  /** Ends an own connection at once: what was not flushed is lost. */
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
    return new MgmError('the request is larger than the NATS server takes', {
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
