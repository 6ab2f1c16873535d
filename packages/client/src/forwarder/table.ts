import { compareEpochs } from '@mgm/protocol';
import type { Epoch, Mfe, MfeMessage } from '@mgm/protocol';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { MfeCounters } from '../forwarding/flows.ts';
import { keyText } from '../interfaces/refs.ts';
import { entryText } from '../membership/refs.ts';
import type { Logger } from '../options.ts';
import { pause, type Clock } from '../rpc/clock.ts';
import type { ForwardingPlane } from './options.ts';

/** What a table reports to. */
export interface TableListener {
  /** The entry left the table, for whatever reason; with its last counters if the plane has returned them. */
  onRemoved(key: string, mfe: Mfe, counters?: MfeCounters): void;
  /** A listing has replaced the table: what was read before it may be older. */
  onReplaced(): void;
}

/** Entries that are changed before timers get their turn. */
const ENTRIES_PER_TURN = 256;
/** Failed entries that one round tries again. */
const RETRIES_PER_ROUND = 256;
const FLUSH_AGAIN_AFTER_MS = 1_000;
/** Of the reason of a failure. Forwarding contract, section 8.3. */
const REASON_BYTES = 64;

/**
 * The forwarding entries of an agent, and the forwarding plane that follows them. Changes are applied one after the other;
 * `flush` overtakes those that wait. Forwarding contract, section 8.2.
 */
export class ForwardingTable {
  readonly #plane: ForwardingPlane;
  readonly #listener: TableListener;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #entries = new Map<string, Mfe>();
  /** The highest epoch seen of each incoming interface. Epochs never fall, so it survives a new log and a flush. */
  readonly #epochs = new Map<string, Epoch>();
  /** Reasons by entry. */
  readonly #failed = new Map<string, string>();
  /** Entries whose failure, or success after a failure, was not reported yet; `''` is a success. */
  readonly #unreported = new Map<string, string>();
  /** Entries that the plane could not remove. */
  readonly #leftover = new Map<string, Mfe>();
  #frev: number | undefined;
  #log: string | undefined;
  #last: Promise<void> = Promise.resolve();
  /** Counts flushes: work that began before one does not go on after it. */
  #flushes = 0;

  constructor(plane: ForwardingPlane, listener: TableListener, clock: Clock, logger: Logger) {
    this.#plane = plane;
    this.#listener = listener;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Every change up to this revision was applied; `undefined` before the first listing and after a flush. */
  get frev(): number | undefined {
    return this.#frev;
  }

  /** The log that `frev` belongs to. */
  get log(): string | undefined {
    return this.#log;
  }

  get size(): number {
    return this.#entries.size;
  }

  get failed(): number {
    return this.#failed.size;
  }

  get(key: string): Mfe | undefined {
    return this.#entries.get(key);
  }

  all(): IterableIterator<Mfe> {
    return this.#entries.values();
  }

  /** Everything up to this position is known to be applied. */
  synced(frev: number, log: string): void {
    [this.#frev, this.#log] = [frev, log];
  }

  /** Replaces the table by a listing. */
  async replace(mfes: readonly Mfe[], frev: number, log: string): Promise<void> {
    await this.#serially(async (isOver) => {
      const listed = new Set(mfes.map(entryText));
      for (const [key, mfe] of this.#entries) if (!listed.has(key)) await this.#remove(key, mfe);
      for (const [at, mfe] of mfes.entries()) {
        if (at % ENTRIES_PER_TURN === 0) await endOfTurn();
        if (isOver()) return;
        await this.#set(mfe);
      }
      this.#listener.onReplaced();
      [this.#frev, this.#log] = [frev, log];
    });
  }

  /** Applies the changes that are above the own revision. */
  async apply({ first, items }: MfeMessage): Promise<void> {
    await this.#serially(async (isOver) => {
      await endOfTurn();
      for (const [at, change] of items.entries()) {
        if (isOver() || this.#frev === undefined) return;
        const number = first + at;
        if (number <= this.#frev) continue;
        if (change[0] === 'set') await this.#set(change[1]);
        else await this.#delete(entryText({ group: change[1], source: change[2] }), change[3]);
        if (!isOver()) this.#frev = number;
      }
    });
  }

  /**
   * Adds entries of a reply to `flow.new`, unless the table has the same or a later incarnation: that one may have changed
   * since. `isStale` says whether the entry was deleted since the request was sent.
   */
  async add(mfes: readonly Mfe[], isStale: (key: string) => boolean): Promise<void> {
    await this.#serially(async (isOver) => {
      for (const mfe of mfes) {
        const key = entryText(mfe);
        const known = this.#entries.get(key);
        if (isOver() || isStale(key)) continue;
        if (!known || known.incarnation < mfe.incarnation) await this.#set(mfe);
      }
    });
  }

  /** Removes all entries from the forwarding plane and forgets the revision. Repeated until the plane succeeds, or the signal. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#flushes++;
    [this.#frev, this.#log] = [undefined, undefined];
    await this.#serially(async () => {
      for (const [key, mfe] of this.#entries) this.#forget(key, mfe);
      this.#leftover.clear();
      while (!(await this.#attempt('flush', () => this.#plane.flush())).ok && !signal.aborted) {
        await pause(this.#clock, FLUSH_AGAIN_AFTER_MS, signal);
      }
    });
  }

  /** Tries again what failed. */
  async retry(): Promise<void> {
    await this.#serially(async (isOver) => {
      for (const [key, mfe] of [...this.#leftover].slice(0, RETRIES_PER_ROUND)) {
        if (!isOver() && !this.#entries.has(key)) await this.#removeFromPlane(key, mfe);
      }
      for (const [key, reason] of [...this.#failed].slice(0, RETRIES_PER_ROUND)) {
        const mfe = this.#entries.get(key);
        if (isOver() || !mfe) continue;
        // Behind those that were not tried in this round.
        this.#failed.delete(key);
        this.#failed.set(key, reason);
        await this.#program(key, mfe);
      }
    });
  }

  /** Failures, and successes after failures, that were not reported yet: at most `most`. */
  unreported(most: number): { readonly key: string; readonly mfe: Mfe; readonly reason: string }[] {
    return [...this.#unreported.entries().take(most)].flatMap(([key, reason]) => {
      const mfe = this.#entries.get(key);
      return mfe ? { key, mfe, reason } : [];
    });
  }

  /** These were reported. */
  reported(items: readonly { readonly key: string; readonly reason: string }[]): void {
    for (const { key, reason } of items) {
      if (this.#unreported.get(key) === reason) this.#unreported.delete(key);
    }
  }

  /** Another session reports from here on: it knows of no failure. */
  reportAnew(): void {
    this.#unreported.clear();
    for (const [key, reason] of this.#failed) this.#unreported.set(key, reason);
  }

  get hasUnreported(): boolean {
    return this.#unreported.size > 0;
  }

  async #set(mfe: Mfe): Promise<void> {
    const key = entryText(mfe);
    const known = this.#entries.get(key);
    if (known && mfe.incarnation < known.incarnation) return;
    if (this.#isOfFormerOwner(mfe)) return;
    if (known && known.incarnation !== mfe.incarnation) await this.#remove(key, known);
    else if (known && !this.#failed.has(key) && isForwardedAs(known, mfe)) {
      this.#entries.set(key, mfe);
      return;
    }
    this.#entries.set(key, mfe);
    await this.#program(key, mfe);
  }

  /** Epoch check: remembers the epoch of the incoming interface, and says whether a higher one was seen. */
  #isOfFormerOwner(mfe: Mfe): boolean {
    if (mfe.ifIndex === 0) return false;
    const iif = keyText(mfe);
    const highest = this.#epochs.get(iif);
    if (highest !== undefined && compareEpochs(mfe.iifEpoch, highest) < 0) return true;
    this.#epochs.set(iif, mfe.iifEpoch);
    return false;
  }

  async #delete(key: string, incarnation: number): Promise<void> {
    const known = this.#entries.get(key);
    if (known && known.incarnation <= incarnation) await this.#remove(key, known);
  }

  async #remove(key: string, mfe: Mfe): Promise<void> {
    const counters = await this.#removeFromPlane(key, mfe);
    this.#forget(key, mfe, counters);
  }

  async #removeFromPlane(key: string, mfe: Mfe): Promise<MfeCounters | undefined> {
    const done = await this.#attempt('delete', () => this.#plane.delete(mfe));
    if (done.ok) this.#leftover.delete(key);
    else this.#leftover.set(key, mfe);
    return done.ok ? (done.result ?? undefined) : undefined;
  }

  #forget(key: string, mfe: Mfe, counters?: MfeCounters): void {
    this.#entries.delete(key);
    this.#failed.delete(key);
    this.#unreported.delete(key);
    this.#listener.onRemoved(key, mfe, counters);
  }

  async #program(key: string, mfe: Mfe): Promise<void> {
    const done = await this.#attempt('set', () => this.#plane.set(mfe));
    if (done.ok) {
      this.#leftover.delete(key);
      if (this.#failed.delete(key)) this.#unreported.set(key, '');
    } else if (this.#failed.get(key) !== done.reason) {
      this.#failed.set(key, done.reason);
      this.#unreported.set(key, done.reason);
    }
  }

  async #attempt<Result>(
    method: string,
    call: () => Result | Promise<Result>,
  ): Promise<Done<Result>> {
    try {
      const result = call();
      return { ok: true, result: result instanceof Promise ? await result : result };
    } catch (err) {
      this.#logger.warn({ method, err }, 'forwarding plane failed');
      return { ok: false, reason: reasonOf(err) };
    }
  }

  /** Runs the work when earlier work is done, unless there was a flush in between. */
  async #serially(work: (isOver: () => boolean) => Promise<void>): Promise<void> {
    const flushes = this.#flushes;
    const isOver = (): boolean => flushes !== this.#flushes;
    const former = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await former;
    try {
      if (!isOver()) await work(isOver);
    } finally {
      resolve();
    }
  }
}

type Done<Result> =
  { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly reason: string };

/** Whether both entries forward packets in the same way. */
function isForwardedAs(one: Mfe, other: Mfe): boolean {
  return (
    one.ifIndex === other.ifIndex &&
    one.nextHop === other.nextHop &&
    one.iifEpoch === other.iifEpoch &&
    one.oifs.length === other.oifs.length &&
    one.oifs.every(([ifIndex, nextHop], at) => {
      const oif = other.oifs[at];
      return oif?.[0] === ifIndex && oif[1] === nextHop;
    })
  );
}

/** At most 64 bytes, never empty. */
function reasonOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)) || 'failed';
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(REASON_BYTES));
  return text.slice(0, read);
}
