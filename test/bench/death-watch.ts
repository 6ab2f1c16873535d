import type { Msg, Subscription } from 'nats';
import type { EventMessage } from '../support/raw-answers.ts';
import type { RawRouter } from '../support/raw-client.ts';
import { unpack } from '../support/raw-codec.ts';

/** What is still not over by then never will be. */
const GIVE_UP_AFTER_MS = 60_000;

export interface Over {
  /** When the first and the last word of it came, on this process's monotonic clock. */
  readonly beganMono: number;
  readonly endedMono: number;
  /** From the end of the session to the last release, on the store's clock. */
  readonly tookMs: number;
}

/** Watches the end of the one session of a router that has several interfaces; others release as they like. */
export class DeathWatch {
  readonly #over = Promise.withResolvers<Over>();
  readonly #interfaces: number;
  readonly #subscription: Subscription;
  #expired: { readonly ts: number; readonly mono: number } | undefined;
  #released = 0;

  constructor(router: RawRouter, interfaces: number) {
    this.#interfaces = interfaces;
    this.#subscription = router.nats.subscribe(`${router.prefix}.${router.name}.event.>`, {
      callback: (_, message) => this.#receive(message),
    });
  }

  async over(): Promise<Over> {
    const timer = setTimeout(() => {
      const reason = `${this.#released} of ${this.#interfaces} were released in ${GIVE_UP_AFTER_MS} ms`;
      this.#over.reject(new Error(reason));
    }, GIVE_UP_AFTER_MS);
    try {
      return await this.#over.promise;
    } finally {
      clearTimeout(timer);
      this.#subscription.unsubscribe();
    }
  }

  #receive({ subject, data }: Msg): void {
    const type = subject.slice(subject.lastIndexOf('.') + 1);
    const mono = performance.now();
    if (type === 'expired') this.#expired = { ts: eventOf(data).ts, mono };
    // Reading all of them would slow down what is measured; only those of the end have a cause of this name.
    if (type !== 'released' || !bytesOf(data).includes(EXPIRE)) return;
    if (++this.#released < this.#interfaces || !this.#expired) return;
    const { ts, mono: beganMono } = this.#expired;
    this.#over.resolve({ beganMono, endedMono: mono, tookMs: eventOf(data).ts - ts });
  }
}

const EXPIRE = 'expire';

function bytesOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.length);
}

function eventOf(data: Uint8Array): EventMessage {
  return unpack(data) as EventMessage;
}
