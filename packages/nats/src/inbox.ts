import { createInbox, type Msg, type NatsConnection } from 'nats';
import { isNoResponders } from './headers.ts';

/** A message that arrived as a reply. */
export interface InboxReply {
  readonly data: Uint8Array;
  /** The NATS server found no subscriber for the request (503). */
  readonly noResponders: boolean;
}

/**
 * Requests over one subscription: each gets a reply subject of its own under a common wildcard, found again in one map.
 * The `request` of the `nats` package arms a timer and chains promises per request, which costs more than the message.
 */
export class Inbox implements Disposable {
  /** What all its reply subjects begin with, final dot included. */
  readonly prefix: string;
  readonly #connection: NatsConnection;
  readonly #pending = new Map<string, (reply: InboxReply) => void>();
  readonly #unsubscribe: () => void;
  #lastToken = 0;

  /** @param inboxPrefix for users that may subscribe below it only; default `_INBOX` */
  constructor(connection: NatsConnection, inboxPrefix?: string) {
    this.#connection = connection;
    this.prefix = `${createInbox(inboxPrefix)}.`;
    const subscription = connection.subscribe(`${this.prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** Requests that wait for a reply. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Publishes a request and calls `onReply` with its first reply. Returns a function that stops waiting. Throws as the
   * `nats` package does where nothing was sent.
   */
  send(subject: string, payload: Uint8Array, onReply: (reply: InboxReply) => void): () => void {
    const token = (++this.#lastToken).toString(36);
    this.#connection.publish(subject, payload, { reply: this.prefix + token });
    this.#pending.set(token, onReply);
    return () => void this.#pending.delete(token);
  }

  /** Resolves with the first reply; rejects with the reason of the signal when it is aborted before. */
  async request(subject: string, payload: Uint8Array, signal: AbortSignal): Promise<InboxReply> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<InboxReply>();
    const forget = this.send(subject, payload, resolve);
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      forget();
    }
  }

  /** Stops listening. Pending requests get no reply. */
  [Symbol.dispose](): void {
    this.#pending.clear();
    if (!this.#connection.isClosed()) this.#unsubscribe();
  }

  #receive(message: Msg): void {
    const token = message.subject.slice(this.prefix.length);
    const onReply = this.#pending.get(token);
    if (onReply === undefined) return;
    this.#pending.delete(token);
    onReply({ data: message.data, noResponders: isNoResponders(message) });
  }
}
