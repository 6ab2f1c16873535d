import type { AnyCallback } from './decode-callback.ts';

/** A page of the mailbox, as the `mailbox` operation answers. */
export interface MailboxPage {
  readonly messages: readonly AnyCallback[];
  /** The last number given out. */
  readonly head: number;
}

export interface MailboxHost {
  /** Reads up to `limit` messages after number `from`. Rejects where that can't be done now. */
  read(from: number, limit: number): Promise<MailboxPage>;
  /** Called for every message as soon as it is known, in any order and maybe more than once. */
  arrived(callback: AnyCallback): void;
  /** Called for every message in order, exactly once, one at a time. Does not reject. */
  handle(callback: AnyCallback): Promise<void>;
  /** The manager may forget everything up to {@link Mailbox.handled}, and shall be told soon. */
  handledMore(): void;
  /** These numbers are not in the mailbox any more; they were never seen. */
  missed(first: number, last: number): void;
  readFailed(error: unknown): void;
}

/** Callbacks that wait here for their handler. What comes on top stays in the manager's mailbox until there is room. */
const QUEUE_MAX = 1_024;
/** Wire contract section 3, `limit`. */
const PAGE_MAX = 1_000;

/**
 * The callbacks of one session, in order and without gaps, although NATS may drop any of them.
 *
 * `queued` is the number up to which messages are in the queue (or through it), `handled` the number up to which their
 * handlers returned, `head` the highest number heard of: `handled` ≤ `queued` ≤ `head`. A push with the number `queued +
 * 1` enters the queue. One with a higher number, or a higher `mailbox` in a reply, shows a gap, and what is missing is
 * read from the manager. A number not above `queued` is a repetition.
 */
export class Mailbox {
  readonly #host: MailboxHost;
  readonly #queue: AnyCallback[] = [];
  #head = 0;
  #queued = 0;
  #handled = 0;
  #isHandling = false;
  #isReading = false;
  #isOver = false;

  constructor(host: MailboxHost) {
    this.#host = host;
  }

  /** Every callback up to this number was handled. */
  get handled(): number {
    return this.#handled;
  }

  /** A callback was pushed. */
  push(callback: AnyCallback): void {
    if (this.#isOver) return;
    this.#host.arrived(callback);
    this.#head = Math.max(this.#head, callback.seq);
    this.#enqueue(callback);
    this.#readMissing();
  }

  /** A reply told the last number that was given out. */
  sawHead(head: number): void {
    this.#head = Math.max(this.#head, head);
    this.#readMissing();
  }

  /** Nothing is handled any more; what waits is dropped with the session it was for. */
  end(): void {
    this.#isOver = true;
    this.#queue.length = 0;
  }

  #enqueue(callback: AnyCallback): void {
    if (callback.seq !== this.#queued + 1 || this.#queue.length >= QUEUE_MAX) return;
    this.#queued = callback.seq;
    this.#queue.push(callback);
    if (!this.#isHandling) void this.#handleAll();
  }

  async #handleAll(): Promise<void> {
    this.#isHandling = true;
    // What is issued while a push is being taken in shall not run inside it.
    await Promise.resolve();
    for (let next = this.#queue[0]; next && !this.#isOver; next = this.#queue[0]) {
      await this.#host.handle(next);
      if (this.#isOver) break;
      this.#queue.shift();
      this.#handled = next.seq;
      this.#host.handledMore();
      this.#readMissing();
    }
    this.#isHandling = false;
  }

  #readMissing(): void {
    if (this.#isReading || this.#isOver || this.#queued >= this.#head) return;
    if (this.#queue.length <= QUEUE_MAX / 2) void this.#readAll();
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#queued < this.#head && !this.#isOver && (await this.#readPage())) continue;
    } catch (error) {
      // The next keepalive shows the gap again.
      if (!this.#isOver) this.#host.readFailed(error);
    }
    this.#isReading = false;
  }

  /** Says whether it is worth reading on. */
  async #readPage(): Promise<boolean> {
    const room = QUEUE_MAX - this.#queue.length;
    if (room <= 0) return false;
    const from = this.#queued;
    const page = await this.#host.read(from, Math.min(room, PAGE_MAX));
    if (this.#isOver) return false;
    for (const callback of page.messages) this.#host.arrived(callback);
    this.#skipForgotten(page);
    for (const callback of page.messages) this.#enqueue(callback);
    if (page.messages.length === 0) this.#head = Math.max(this.#queued, page.head);
    return this.#queued > from;
  }

  /** Managers keep a message until it is acknowledged; where one is gone all the same, waiting does not bring it back. */
  #skipForgotten(page: MailboxPage): void {
    const first = page.messages[0]?.seq;
    if (first === undefined || first <= this.#queued + 1) return;
    this.#host.missed(this.#queued + 1, first - 1);
    this.#queued = first - 1;
  }
}
