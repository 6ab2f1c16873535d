import type { EventMessage } from '@mgm/protocol';
import type { Context } from '../rpc/context.ts';
import { decodeEvent, decodeHead } from './decode-event.ts';
import { isAnotherLog } from '../rpc/store-log.ts';
import { pause } from '../rpc/waiting.ts';

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
  #ts = 0;
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

  /** The highest revision heard of. */
  get head(): number {
    return this.#head;
  }

  /** The next event goes on from here, `ts` being the time of this one. What was pushed up to here is of no use any more. */
  goOnFrom(rev: number, ts = 0): void {
    this.#position = rev;
    this.#ts = ts;
    for (const known of this.#events.keys()) if (known <= rev) this.#events.delete(known);
  }

  /** Whether the event that follows is here. */
  get hasNext(): boolean {
    return this.#events.has(this.#position + 1);
  }

  /** The event that follows, if it is here. */
  take(): EventMessage | undefined {
    const event = this.#events.get(this.#position + 1);
    if (!event) return undefined;
    this.#events.delete(event.rev);
    // Older than the one before it: a late copy out of another log, or a clock that was set back. The log knows.
    if (event.ts < this.#ts) {
      this.#isDoubtful = true;
      return undefined;
    }
    this.#position = event.rev;
    this.#ts = event.ts;
    return event;
  }

  /** The log was read: what was heard of another one counts no more, nor of a higher head, unless that came meanwhile. */
  learn(log: string, head: number, headBefore: number): void {
    this.#log = log;
    if (this.#head === headBefore) this.#head = head;
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

  /** Resolves when something comes, after so many milliseconds, or when the signal fires. Says whether something came. */
  async news(withinMs: number, signal: AbortSignal): Promise<boolean> {
    const news = this.#news.signal;
    await pause(this.#context.clock, withinMs, AbortSignal.any([news, signal]));
    return news.aborted;
  }

  /** Resolves when the event that follows is here, after so many milliseconds, or when the signal fires. */
  async next(withinMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const endsMono = clock.monoMs() + withinMs;
    while (!this.hasNext && !signal.aborted) {
      const leftMs = endsMono - clock.monoMs();
      if (leftMs <= 0) return;
      await this.news(leftMs, signal);
    }
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
