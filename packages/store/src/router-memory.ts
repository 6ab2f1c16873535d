import { randomBytes } from 'node:crypto';
import type { BatchReply } from './batch-reply.ts';

/**
 * The newest state of a router's log that this process has seen. It is sent with every batch, so that the script notices a
 * store that came back empty or with older data, and never grants an epoch again that was seen here.
 */
export class RouterMemory {
  #log = '';
  #rev = 0;
  #mrev = 0;
  #frev = 0;
  #epoch = 0;
  #longestTtlMs = 0;
  #freshLog = newLogId();
  #learnedMono = performance.now();
  #lastCall: { readonly ts: number; readonly servedMs: number } | undefined;

  /** @param epochFloor an epoch that must not be granted again */
  constructor(epochFloor = 0) {
    this.#epoch = epochFloor;
  }

  /** Whether the router has no log as far as this process knows. */
  get isEmpty(): boolean {
    return this.#log === '';
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Whether the last reply is older than this. */
  isOlderThan(ms: number): boolean {
    return performance.now() - this.#learnedMono > ms;
  }

  /**
   * The log, revision and epoch last seen, and the id for a log that this batch would begin. The log counts for `keptMs` after
   * the last reply: later the router may have been idle and its data deleted, which is no loss.
   */
  known(keptMs: number): readonly [log: string, rev: number, epoch: number, freshLog: string] {
    if (this.isOlderThan(keptMs)) [this.#log, this.#rev, this.#longestTtlMs] = ['', 0, 0];
    return [this.#log, this.#rev, this.#epoch, this.#freshLog];
  }

  /** The longest lease that may be in force: the length of the hold-off if the store loses its data. */
  get longestTtlMs(): number {
    return this.#longestTtlMs;
  }

  /** The last revision of the log of memberships. */
  get mrev(): number {
    return this.#mrev;
  }

  /** The last revision of the log of forwarding entries. */
  get frev(): number {
    return this.#frev;
  }

  /**
   * Until when this process vouches that a manager served the router, in ms on the store's clock: the instant of its last batch,
   * and the time it has served since that batch was sent. 0 if there was none, or if it had no reply, or if it does not serve.
   *
   * @param servedMs how long this process has served so far; 0 if it does not serve
   */
  servedUntil(servedMs: number): number {
    if (this.#lastCall === undefined || servedMs === 0) return 0;
    return Math.floor(this.#lastCall.ts + servedMs - this.#lastCall.servedMs);
  }

  /** The store was not reachable: this process does not vouch for the time since its last batch. */
  forgetLastCall(): void {
    this.#lastCall = undefined;
  }

  /**
   * Replies may be read in another order than they were decided: within one log only newer values count.
   *
   * @param servedMs how long this process had served when the batch was sent
   */
  learn({ ts, log, rev, epoch, longestTtlMs, members, view }: BatchReply, servedMs: number): void {
    this.#learnedMono = performance.now();
    if (log === '') return;
    if (this.#lastCall === undefined || servedMs > this.#lastCall.servedMs) {
      this.#lastCall = { ts, servedMs };
    }
    if (log === this.#freshLog) this.#freshLog = newLogId();
    const isSame = log === this.#log;
    this.#rev = isSame ? Math.max(this.#rev, rev) : rev;
    this.#mrev = isSame ? Math.max(this.#mrev, members.mrev) : members.mrev;
    this.#frev = isSame ? Math.max(this.#frev, view.frev) : view.frev;
    this.#log = log;
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#longestTtlMs = Math.max(this.#longestTtlMs, longestTtlMs);
  }

  /** After a batch without a reply: it may have begun a log under this id, so the next one needs another. */
  forgetFreshLog(): void {
    this.#freshLog = newLogId();
  }
}

function newLogId(): string {
  return randomBytes(9).toString('base64url');
}
