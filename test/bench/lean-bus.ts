import { createInbox, type Msg, type NatsConnection } from '@mgm/nats';

/** Far above the time of any reply; a later one counts as lost. */
const SILENT_AFTER_MS = 10_000;

/**
 * Requests of a program that has many of them pending: one inbox, one list of pending requests, one timer. The requests of `nats`
 * arm a timer and chain promises each, and would themselves be the limit. An array is used since a `Map` would keep outgrown
 * tables with pending requests alive, and the garbage collector would then be part of every measurement.
 */
export class LeanBus implements Disposable {
  readonly #nats: NatsConnection;
  readonly #prefix = `${createInbox()}.`;
  /** The pending requests by token; a token is reused after its reply. */
  readonly #pending: (PromiseWithResolvers<Uint8Array> | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #watchdog: NodeJS.Timeout;
  #answeredMono = performance.now();

  constructor(nats: NatsConnection) {
    this.#nats = nats;
    nats.subscribe(`${this.#prefix}*`, { callback: (_, message) => this.#receive(message) });
    this.#watchdog = setInterval(() => this.#look(), SILENT_AFTER_MS / 10);
  }

  /** Rejects when no request was answered for 10 s. */
  request(subject: string, payload: Uint8Array): Promise<Uint8Array> {
    if (this.#free.length === this.#pending.length) this.#answeredMono = performance.now();
    const token = this.#free.pop() ?? this.#pending.length;
    const pending = Promise.withResolvers<Uint8Array>();
    this.#pending[token] = pending;
    this.#nats.publish(subject, payload, { reply: `${this.#prefix}${token}` });
    return pending.promise;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog);
  }

  #receive({ subject, data, headers }: Msg): void {
    const token = Number(subject.slice(this.#prefix.length));
    const pending = this.#pending[token];
    if (pending === undefined) return;
    this.#pending[token] = undefined;
    this.#free.push(token);
    this.#answeredMono = performance.now();
    if (headers) pending.reject(new Error(`NATS: ${headers.code} ${headers.description}`));
    else pending.resolve(data);
  }

  #look(): void {
    if (performance.now() - this.#answeredMono < SILENT_AFTER_MS) return;
    const lost = this.#pending.splice(0);
    this.#free.length = 0;
    for (const pending of lost)
      pending?.reject(new Error(`not answered for ${SILENT_AFTER_MS} ms`));
  }
}
