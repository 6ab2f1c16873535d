import { addAbortListener } from 'node:events';
import type { EventMessage, HeadMessage, RouterName, Subjects } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import { pause } from '../rpc/clock.ts';
import { isAnotherLog, type Context } from '../rpc/context.ts';
import { decodeEvent, decodeHead } from '../rpc/messages.ts';

/** Pushed events that wait for earlier ones. Further ones are discarded: they will be read from the log. */
const BUFFER_MAX = 4_096;

/** One of the logs of a router, as a feed sees it. */
export interface LogKind<Event> {
  /** The subject on which its events are pushed. */
  subject(subjects: Subjects, router: RouterName): string;
  decode(bytes: Uint8Array): Event | undefined;
  /** The revisions that the event covers. */
  revsOf(event: Event): { readonly first: number; readonly last: number };
  /** The last revision of the log; `undefined` from a manager that does not have this log. */
  headOf(head: HeadMessage): number | undefined;
  /** Whether the event says that another log has begun. */
  isReset(event: Event): boolean;
  /** Pushed events that wait for earlier ones; further ones are read from the log. Default 4096. */
  readonly bufferMax?: number;
}

/** The log of sessions and ownership. */
export const EVENT_LOG: LogKind<EventMessage> = {
  subject: (subjects, router) => subjects.allEvents(router),
  decode: decodeEvent,
  revsOf: ({ rev }) => ({ first: rev, last: rev }),
  headOf: ({ rev }) => rev,
  isReset: ({ type }) => type === 'store-reset',
};

/**
 * The pushed events of one log, which arrive in any order, with gaps and repetitions. It says which events are here and
 * which must be missing; its reader moves from revision to revision.
 */
export class EventFeed<Event extends { readonly ts: number }> {
  readonly #context: Context;
  readonly #kind: LogKind<Event>;
  readonly #unsubscribe: (() => void)[];
  /** By their first revision. */
  readonly #events = new Map<number, Event>();
  #position = 0;
  #ts = 0;
  #head = 0;
  #log: string | undefined;
  #isDoubtful = false;
  #news = new AbortController();

  constructor(context: Context, kind: LogKind<Event>) {
    this.#context = context;
    this.#kind = kind;
    const { transport, subjects, router } = context;
    this.#unsubscribe = [
      transport.subscribe(kind.subject(subjects, router), ({ data }) => this.#onEvent(data)),
      transport.subscribe(subjects.head(router), ({ data }) => this.#onHead(data)),
      transport.onState(() => this.#doubt()),
    ];
  }

  /** The revision of the last event that was taken or read. */
  get position(): number {
    return this.#position;
  }

  /** The highest revision seen in a push or a head. */
  get head(): number {
    return this.#head;
  }

  /** Continues after `rev`, whose event has the time `ts`. Discards buffered events up to it. */
  resumeFrom(rev: number, ts = 0): void {
    this.#position = rev;
    this.#ts = ts;
    for (const [first, event] of this.#events) {
      if (this.#kind.revsOf(event).last <= rev) this.#events.delete(first);
    }
  }

  /** Whether the next event is here. */
  get hasNext(): boolean {
    return this.#events.has(this.#position + 1);
  }

  /** Removes the next event from the buffer, if it is here. */
  take(): Event | undefined {
    const first = this.#position + 1;
    const event = this.#events.get(first);
    if (!event) return undefined;
    this.#events.delete(first);
    // Older than its predecessor: a late copy from another log, or a clock that was set back. Reading the log decides.
    if (event.ts < this.#ts) {
      this.#isDoubtful = true;
      return undefined;
    }
    this.#position = this.#kind.revsOf(event).last;
    this.#ts = event.ts;
    return event;
  }

  /** The log was read: forgets what was seen of another log, or a higher head, unless it arrived since `headBefore`. */
  learn(log: string, head: number, headBefore: number): void {
    this.#log = log;
    if (this.#head === headBefore) this.#head = head;
  }

  /** Whether an event after the next one was seen. */
  get hasGap(): boolean {
    return this.#head > this.#position;
  }

  /** Whether the log must be read: the connection was lost, or pushes do not match the log that was read. Resets itself. */
  settleDoubt(log: string | undefined): boolean {
    const isOther = this.#log !== undefined && log !== undefined && this.#log !== log;
    const isDoubtful = this.#isDoubtful || isOther;
    this.#isDoubtful = false;
    return isDoubtful;
  }

  /** Discards everything: another log has begun. */
  startOver(): void {
    this.#events.clear();
    this.#head = 0;
    this.#log = undefined;
  }

  /** Resolves when something arrives, after `withinMs`, or when the signal fires. Returns whether something arrived. */
  async news(withinMs: number, signal: AbortSignal): Promise<boolean> {
    const news = this.#news.signal;
    await pause(this.#context.clock, withinMs, AbortSignal.any([news, signal]));
    return news.aborted;
  }

  /** Resolves when the next event is here, after `withinMs`, or when the signal fires. */
  async next(withinMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const endsMono = clock.monoMs() + withinMs;
    while (!this.hasNext && !signal.aborted) {
      const leftMs = endsMono - clock.monoMs();
      if (leftMs <= 0) return;
      await this.news(leftMs, signal);
    }
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #onEvent(data: Uint8Array): void {
    const event = this.#kind.decode(data);
    if (!event) return;
    const { first, last } = this.#kind.revsOf(event);
    // A late copy, or the first events of another log.
    if (last <= this.#position || this.#kind.isReset(event)) return this.#doubt();
    this.#head = Math.max(this.#head, last);
    if (this.#events.size < (this.#kind.bufferMax ?? BUFFER_MAX)) this.#events.set(first, event);
    this.#wake();
  }

  #onHead(data: Uint8Array): void {
    const head = decodeHead(data);
    const last = head && this.#kind.headOf(head);
    if (!head || last === undefined) return;
    if (isAnotherLog(this.#log, head.log)) this.#isDoubtful = true;
    this.#log = head.log;
    this.#head = Math.max(this.#head, last);
    this.#wake();
  }

  #doubt(): void {
    this.#isDoubtful = true;
    this.#wake();
  }

  #wake(): void {
    const before = this.#news;
    this.#news = new AbortController();
    before.abort();
  }
}

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
  const feed = new HeadFeed(context);
  const listener = signal && addAbortListener(signal, () => feed.end());
  try {
    while (!signal?.aborted) {
      const head = await feed.next();
      if (!head) return;
      yield head;
    }
  } finally {
    listener?.[Symbol.dispose]();
    feed.close();
  }
}

class HeadFeed {
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

  close(): void {
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
