import type { EventMessage } from '@mgm/protocol';
import type { Context } from './context.ts';
import { decodeEvent, decodeHead } from './decode-event.ts';
import { isAnotherLog } from './store-log.ts';
import { pause } from './waiting.ts';

/** Pushed events that wait for those before them. One more is dropped: it will be read. */
const BUFFER_MAX = 4_096;

/**
 * What managers push about the changes of one router: in any order, with gaps and repetitions. Says what is there and
 * what must be missing; whoever reads it goes on from revision to revision.
 */
export class EventFeed implements Disposable {
  readonly #context: Context;
  readonly #unsubscribe: (() => void)[];
  readonly #events = new Map<number, EventMessage>();
  #position = 0;
  #head = 0;
  #log: string | undefined;
  #isDoubtful = false;
  #news = new AbortController();

  constructor(context: Context) {
    this.#context = context;
    const { transport, subjects, router } = context;
    this.#unsubscribe = [
      transport.subscribe(subjects.allEvents(router), ({ data }) => this.#onEvent(data)),
      transport.subscribe(subjects.head(router), ({ data }) => this.#onHead(data)),
      transport.onState(() => this.#doubt()),
    ];
  }

  /** The revision of the last event that was taken or read. */
  get position(): number {
    return this.#position;
  }

  /** The next event goes on from here. What was pushed up to here is of no use any more. */
  goOnFrom(rev: number): void {
    this.#position = rev;
    for (const known of this.#events.keys()) if (known <= rev) this.#events.delete(known);
  }

  /** The event that follows, if it is here. */
  take(): EventMessage | undefined {
    const event = this.#events.get(this.#position + 1);
    if (event) this.goOnFrom(event.rev);
    return event;
  }

  /** Whether something was pushed that lies behind the next event. */
  get hasGap(): boolean {
    return this.#head > this.#position;
  }

  /**
   * Whether the log must be looked at: the connection was away, or what came does not fit to the log that has been read.
   * Asking settles it.
   */
  settleDoubt(log: string | undefined): boolean {
    const isOther = this.#log !== undefined && log !== undefined && this.#log !== log;
    const isDoubtful = this.#isDoubtful || isOther;
    this.#isDoubtful = false;
    return isDoubtful;
  }

  /** Nothing that came before counts: another log has begun. */
  startOver(): void {
    this.#events.clear();
    this.#head = 0;
    this.#log = undefined;
  }

  /** Resolves when something comes, after so many milliseconds, or when the signal fires. */
  async news(withinMs: number, signal: AbortSignal): Promise<void> {
    await pause(this.#context.clock, withinMs, AbortSignal.any([this.#news.signal, signal]));
  }

  [Symbol.dispose](): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #onEvent(data: Uint8Array): void {
    const event = decodeEvent(data);
    if (!event) return;
    // A late copy, or the first events of a log that counts anew.
    if (event.rev <= this.#position || event.type === 'store-reset') return this.#doubt();
    this.#head = Math.max(this.#head, event.rev);
    if (this.#events.size < BUFFER_MAX) this.#events.set(event.rev, event);
    this.#wake();
  }

  #onHead(data: Uint8Array): void {
    const head = decodeHead(data);
    if (!head) return;
    if (isAnotherLog(this.#log, head.log)) this.#isDoubtful = true;
    this.#log = head.log;
    this.#head = Math.max(this.#head, head.rev);
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
