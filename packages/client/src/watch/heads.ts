import { addAbortListener } from 'node:events';
import type { HeadMessage } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import type { Context } from '../rpc/context.ts';
import { decodeHead } from '../rpc/pushed.ts';

/** How to end. */
export interface HeadsOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

/** The heads of a router as they arrive; a slow reader gets the last one. */
export async function* heads(
  context: Context,
  { signal }: HeadsOptions = {},
): AsyncGenerator<HeadMessage, void, undefined> {
  using feed = new HeadFeed(context);
  using _ = signal && addAbortListener(signal, () => feed.end());
  while (!signal?.aborted) {
    const head = await feed.next();
    if (!head) return;
    yield head;
  }
}

class HeadFeed implements Disposable {
  readonly #unsubscribe: readonly (() => void)[] = [];
  #last: HeadMessage | undefined;
  #news = Promise.withResolvers<void>();
  #refused: MgmError | undefined;
  #isOver = false;

  constructor({ transport, subjects, router }: Context) {
    const subject = subjects.head(router);
    this.#isOver = transport.state === 'closed';
    if (this.#isOver) return;
    this.#unsubscribe = [
      transport.subscribe(subject, ({ data }) => this.#onHead(data)),
      transport.listen({
        onState: (state) => state === 'closed' && this.end(),
        onForbidden: (operation, forbidden) => {
          if (operation === 'subscription' && forbidden === subject) this.#onForbidden(subject);
        },
      }),
    ];
  }

  /** The next head; `undefined` when there will be none. */
  async next(): Promise<HeadMessage | undefined> {
    while (!this.#last && !this.#isOver) await this.#news.promise;
    if (this.#refused) throw this.#refused;
    const head = this.#isOver ? undefined : this.#last;
    this.#last = undefined;
    this.#news = Promise.withResolvers();
    return head;
  }

  end(): void {
    this.#isOver = true;
    this.#news.resolve();
  }

  [Symbol.dispose](): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #onHead(data: Uint8Array): void {
    const head = decodeHead(data);
    if (!head) return;
    this.#last = head;
    this.#news.resolve();
  }

  #onForbidden(subject: string): void {
    this.#refused = new MgmError(`NATS does not let this user subscribe to ${subject}`, {
      reason: 'not-permitted',
      outcome: 'not-done',
    });
    this.end();
  }
}
