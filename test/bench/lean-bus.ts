import { createInbox, type Msg, type NatsConnection } from 'nats';

/** Nothing takes this long; what does is lost. */
const SILENT_AFTER_MS = 10_000;

/**
 * Requests as a program makes them that has many under way: one inbox, one map of those pending, one timer for all. What
 * `nats` offers arms a timer and chains promises per request, and would be the limit itself.
 */
export class LeanBus implements Disposable {
  readonly #nats: NatsConnection;
  readonly #prefix = `${createInbox()}.`;
  readonly #pending = new Map<string, PromiseWithResolvers<Uint8Array>>();
  readonly #watchdog: NodeJS.Timeout;
  #last = 0;
  #answeredMono = performance.now();

  constructor(nats: NatsConnection) {
    this.#nats = nats;
    nats.subscribe(`${this.#prefix}*`, { callback: (_, message) => this.#receive(message) });
    this.#watchdog = setInterval(() => this.#look(), SILENT_AFTER_MS / 10);
  }

  /** Rejects when nothing at all was answered for 10 s. */
  request(subject: string, payload: Uint8Array): Promise<Uint8Array> {
    if (this.#pending.size === 0) this.#answeredMono = performance.now();
    const token = String(++this.#last);
    const pending = Promise.withResolvers<Uint8Array>();
    this.#pending.set(token, pending);
    this.#nats.publish(subject, payload, { reply: this.#prefix + token });
    return pending.promise;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog);
  }

  #receive({ subject, data, headers }: Msg): void {
    const token = subject.slice(this.#prefix.length);
    const pending = this.#pending.get(token);
    this.#pending.delete(token);
    this.#answeredMono = performance.now();
    if (headers) pending?.reject(new Error(`NATS: ${headers.code} ${headers.description}`));
    else pending?.resolve(data);
  }

  #look(): void {
    if (performance.now() - this.#answeredMono < SILENT_AFTER_MS) return;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost) reject(new Error(`not answered for ${SILENT_AFTER_MS} ms`));
  }
}
