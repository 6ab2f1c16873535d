import { createInbox, type Msg, type NatsConnection } from '@mgm/nats';

/** Nothing takes this long; what does is lost. */
const SILENT_AFTER_MS = 10_000;

/**
 * Requests as a program makes them that has many under way: one inbox, one list of those pending, one timer for all. What
 * `nats` offers arms a timer and chains promises per request, and would be the limit itself. In a `Map`, tables that it has
 * outgrown would keep what was pending, and a collector that goes through it would be measured along with every answer.
 */
export class LeanBus implements Disposable {
  readonly #nats: NatsConnection;
  readonly #prefix = `${createInbox()}.`;
  /** By token, which is given out again once it was answered. */
  readonly #pending: (PromiseWithResolvers<Uint8Array> | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #watchdog: NodeJS.Timeout;
  #answeredMono = performance.now();

  constructor(nats: NatsConnection) {
    this.#nats = nats;
    nats.subscribe(`${this.#prefix}*`, { callback: (_, message) => this.#receive(message) });
    this.#watchdog = setInterval(() => this.#look(), SILENT_AFTER_MS / 10);
  }

  /** Rejects when nothing at all was answered for 10 s. */
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
