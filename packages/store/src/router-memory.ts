import { randomBytes } from 'node:crypto';
import type { BatchReply } from './batch-reply.ts';

/**
 * What this process has seen of one router's log. It goes along with every call, so that a store that came back empty, or
 * older than it was, is noticed by the script itself, and no epoch that was seen here is ever given again.
 */
export class RouterMemory {
  #log = '';
  #rev = 0;
  #epoch = 0;
  #longestTtlMs = 0;
  #freshLog = newLogId();

  /** Nothing of this router is known to exist. */
  get isEmpty(): boolean {
    return this.#log === '';
  }

  /** Log, revision and epoch as last seen, and the id a log begun by this call would get. */
  known(): readonly [log: string, rev: number, epoch: number, freshLog: string] {
    return [this.#log, this.#rev, this.#epoch, this.#freshLog];
  }

  /** The longest lease that may be out: how long nothing new is granted where the store has lost who has what. */
  get longestTtlMs(): number {
    return this.#longestTtlMs;
  }

  /** Replies may be read in another order than they were decided: within one log only what is newer counts. */
  learn({ log, rev, epoch, longestTtlMs }: BatchReply): void {
    if (log === '') return;
    if (log === this.#freshLog) this.#freshLog = newLogId();
    this.#rev = log === this.#log ? Math.max(this.#rev, rev) : rev;
    this.#log = log;
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#longestTtlMs = Math.max(this.#longestTtlMs, longestTtlMs);
  }

  /** A call may have begun a log that nobody was told of: the next one must not have its id. */
  unsure(): void {
    this.#freshLog = newLogId();
  }
}

function newLogId(): string {
  return randomBytes(9).toString('base64url');
}
