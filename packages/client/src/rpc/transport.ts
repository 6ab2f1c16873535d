import { setImmediate as endOfTurn } from 'node:timers/promises';
import { connect as connectNats, createInbox, headers, isNoResponders, natsFault } from '@mgm/nats';
import type { ConnectionOptions, Msg, NatsConnection, Status } from '@mgm/nats';
import { badRequest, MgmError } from '../errors.ts';
import { untilAborted } from './clock.ts';
import type { TraceHeaders } from './observers.ts';

export { createInbox } from '@mgm/nats';
export type { ConnectionOptions, NatsConnection } from '@mgm/nats';

/** `up`: messages are sent. `down`: the connection is lost and is being restored. `closed`: final. */
export type LinkState = 'up' | 'down' | 'closed';

/** A received message. `noResponders`: the reply of NATS itself that a request's subject has no subscribers (503). */
export interface Incoming {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where an answer is expected. */
  readonly reply: string | undefined;
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
 * One attempt to connect. Rejects with {@link MgmError} `not-permitted` for a refused login, `bad-request` for unreadable
 * credentials, otherwise `unavailable`; with the reason of the signal when that fires.
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
 * It is `down` at first, and `up` once the server has answered a ping: by then the server has also refused the subscriptions
 * that it does not permit. The same holds after each reconnect.
 *
 * Nothing may be published while it is down: the `nats` package would buffer the message and might send it much later,
 * long after its call failed.
 */
export class Transport {
  readonly inbox: string;
  readonly #connection: NatsConnection;
  readonly #owned: boolean;
  #listeners: LinkListener[] = [];
  #state: LinkState = 'down';
  /** Counts disconnects and reconnects. */
  #changes = 0;

  /** @param owned whether `close` closes the connection, too */
  constructor(connection: NatsConnection, owned: boolean, inboxPrefix?: string) {
    this.#connection = connection;
    this.#owned = owned;
    this.inbox = createInbox(inboxPrefix);
    void this.#follow(connection.status());
    void connection.closed().then(() => this.#change('closed'));
  }

  /**
   * Resolves when the state is known: `up`, or `down` while the connection is being restored. Rejects with the signal's
   * reason if the server does not answer before the signal fires.
   */
  async open(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#checkUp(), signal);
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
  publish(subject: string, payload: Uint8Array, reply?: string, trace?: TraceHeaders): void {
    if (this.#state === 'closed') throw connectionClosed();
    try {
      const answered = reply === undefined ? {} : { reply };
      const options = trace ? { ...answered, headers: natsHeaders(trace) } : answered;
      this.#connection.publish(subject, payload, options);
    } catch (cause) {
      throw publishError(cause);
    }
  }

  /**
   * Calls `onMessage` for each message, in the order of arrival. Returns a function that unsubscribes. Throws
   * {@link MgmError} `closed`.
   */
  subscribe(subject: string, onMessage: (message: Incoming) => void): () => void {
    if (this.#state === 'closed') throw connectionClosed();
    try {
      const subscription = this.#connection.subscribe(subject, {
        callback: (error, message) => {
          if (!error) onMessage(incoming(message));
        },
      });
      return () => {
        if (!this.#connection.isClosed()) subscription.unsubscribe();
      };
    } catch (cause) {
      throw connectionClosed(cause);
    }
  }

  /** Closes an owned connection immediately: unflushed messages are lost. */
  async close(): Promise<void> {
    this.#change('closed');
    if (this.#owned) await this.#connection.close();
  }

  /** The state becomes `up` if the connection is up and the server answers. */
  async #checkUp(): Promise<void> {
    const changes = ++this.#changes;
    try {
      await this.#connection.rtt();
    } catch {
      // Lost again or closed: the connection reports that, too.
      return;
    }
    // The connection reports refused subscriptions in a later microtask than the ping's answer.
    await endOfTurn();
    if (changes === this.#changes) this.#change('up');
  }

  async #follow(statuses: AsyncIterable<Status>): Promise<void> {
    for await (const status of statuses) {
      if (this.#state === 'closed') return;
      if (status.type === 'disconnect') this.#lost();
      else if (status.type === 'reconnect') void this.#checkUp();
      else if (status.permissionContext) this.#forbid(status.permissionContext);
    }
  }

  #lost(): void {
    this.#changes++;
    this.#change('down');
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

function natsHeaders(trace: TraceHeaders) {
  const result = headers();
  for (const [name, value] of trace) result.set(name, value);
  return result;
}

function incoming(message: Msg): Incoming {
  const { subject, data, reply } = message;
  return { subject, data, reply, noResponders: isNoResponders(message) };
}

function connectError(cause: unknown): MgmError {
  const { kind } = natsFault(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  if (kind === 'unreadable-credentials') {
    const field = 'natsOptions.authenticator';
    return badRequest(`${field}: the NATS credentials can not be read`, field);
  }
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
  return connectionClosed(cause);
}

export function connectionClosed(cause?: unknown): MgmError {
  return new MgmError('the NATS connection is closed', {
    reason: 'closed',
    outcome: 'not-done',
    cause,
  });
}
