import { isMgmError } from '../errors.ts';
import { isAnotherLog, type Context } from '../rpc/context.ts';
import { EventFeed, type LogKind } from './feed.ts';

/** How long the next event may be missing before the log is read; a later one may have overtaken it. */
const OVERTAKEN_MS = 50;
/** How long silence is believed. Routers with live sessions have a head every second; without one the last event may be lost. */
const SILENCE_MS = 5_000;

/**
 * Why a snapshot is sent. `start`: the watch begins. `compacted`: the log no longer has the next event. `store-reset`: the
 * store lost data and began another log.
 */
export type SnapshotReason = 'start' | 'compacted' | 'store-reset';

/** Where to begin, and how to end. */
export interface FollowOptions {
  /** The revision after which to begin. Default: a snapshot first, and then what follows it. */
  readonly from?: number | undefined;
  /** The log that `from` belongs to, if known: a snapshot is sent instead if the store has another log. */
  readonly log?: string | undefined;
  /** Ends the watch: the iteration is done. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An item of a watch. `State` is what a snapshot shows; `Position` is a revision, under the name that it has in this log, and
 * belongs to `log`.
 */
export type SightingOf<State extends object, Position extends object, Event> =
  /** The whole state at one revision; it replaces everything reported before. */
  | ({
      readonly kind: 'snapshot';
      readonly reason: SnapshotReason;
      readonly log: string;
    } & State &
      Position)
  /**
   * Everything up to this revision was reported: what was there when the watch began, or when the snapshot was made. Once after
   * each snapshot, and once after `from`. A later watch can resume from here.
   */
  | ({ readonly kind: 'synced'; readonly log: string } & Position)
  /** One event. Revisions follow each other without gaps, except across a snapshot. */
  | { readonly kind: 'event'; readonly event: Event };

/** Where in its log a listing was made. */
export interface ListingPosition {
  readonly rev: number;
  readonly log: string;
  /** When the event of this revision happened, in ms on the store clock; 0 if the log does not have it. */
  readonly ts: number;
}

/** A log that can be followed, and the state that it changes. */
export interface FollowedLog<
  State extends object,
  Position extends object,
  Event extends Timed,
> extends LogKind<Event> {
  /** The position in a sighting. */
  at(rev: number): Position;
  /** The events after a revision; `compacted` if the log begins later. */
  read(from: number, signal: AbortSignal): Promise<LogPage<Event> | 'compacted'>;
  /** The state at one revision; `undefined` if the log was cut or lost while it was read. */
  list(signal: AbortSignal): Promise<Listing<State> | undefined>;
}

/** The state at one revision. */
export interface Listing<State> extends ListingPosition {
  readonly state: State;
}

interface Timed {
  /** In ms on the store clock. */
  readonly ts: number;
}

interface LogPage<Event> {
  readonly events: readonly Event[];
  readonly head: number;
  readonly log: string;
}

/**
 * All changes of one log, without gaps: pushed events as they arrive, missed ones read from the log. If the log does not
 * reach back far enough, or the store lost it, there is a new snapshot. A slow reader costs bounded memory: pushed events
 * are buffered up to a limit, the rest is read from the log. Ends when the signal fires; throws `MgmError` if it can't
 * continue. Without a manager it waits.
 */
export async function* follow<State extends object, Position extends object, Event extends Timed>(
  context: Context,
  source: FollowedLog<State, Position, Event>,
  options: FollowOptions,
): AsyncGenerator<SightingOf<State, Position, Event>, void, undefined> {
  const { signal = new AbortController().signal } = options;
  const follower = new Follower(context, source, options, signal);
  try {
    while (!signal.aborted) {
      const synced = follower.synced();
      if (synced) yield synced;
      const events = synced ? [] : await follower.step();
      for (const event of events) {
        yield { kind: 'event', event };
        if (signal.aborted) return;
      }
      const snapshot = follower.takeSnapshot();
      if (snapshot) yield snapshot;
    }
  } finally {
    follower.close();
  }
}

/** The state of a watch of one log. */
class Follower<State extends object, Position extends object, Event extends Timed> {
  readonly #feed: EventFeed<Event>;
  readonly #source: FollowedLog<State, Position, Event>;
  readonly #signal: AbortSignal;
  /** The log that was read last. */
  #log: string | undefined;
  /** A snapshot has to be made next, and why. */
  #reason: SnapshotReason | undefined;
  /** A snapshot that is to be reported. */
  #snapshot: SightingOf<State, Position, Event> | undefined;
  /** Whether the log must be read next: nothing is known yet, or it has more. */
  #mustRead = true;
  /** Whether `synced` is still to be reported, and the revision from which on it holds, once that is known. */
  #isSyncing = true;
  #syncedFrom: number | undefined;

  constructor(
    context: Context,
    source: FollowedLog<State, Position, Event>,
    { from, log }: FollowOptions,
    signal: AbortSignal,
  ) {
    this.#feed = new EventFeed(context, source);
    this.#source = source;
    this.#signal = signal;
    this.#log = log;
    if (from === undefined) this.#reason = 'start';
    else this.#feed.resumeFrom(from);
  }

  close(): void {
    this.#feed.close();
  }

  /** The `synced` mark, once everything up to it was reported; then not again. */
  synced(): SightingOf<State, Position, Event> | undefined {
    const { position } = this.#feed;
    if (this.#reason !== undefined || !this.#isSyncing || this.#log === undefined) return undefined;
    if (this.#syncedFrom === undefined || position < this.#syncedFrom) return undefined;
    this.#isSyncing = false;
    return { kind: 'synced', log: this.#log, ...this.#source.at(position) };
  }

  /** The next events that are buffered or can be read; or it makes a snapshot. */
  async step(): Promise<readonly Event[]> {
    if (this.#reason !== undefined) {
      await this.#ifAnswered(() => this.#snap());
      return [];
    }
    const next = this.#feed.take();
    if (next) return [next];
    return (await this.#ifAnswered(() => this.#more())) ?? [];
  }

  /** The snapshot that was made last, once. */
  takeSnapshot(): SightingOf<State, Position, Event> | undefined {
    const snapshot = this.#snapshot;
    this.#snapshot = undefined;
    return snapshot;
  }

  async #snap(): Promise<void> {
    this.#feed.startOver();
    const listing = await this.#source.list(this.#signal);
    if (!listing) return;
    const { state, rev, log, ts } = listing;
    const reason = isAnotherLog(this.#log, log) ? 'store-reset' : (this.#reason ?? 'start');
    this.#snapshot = { kind: 'snapshot', reason, ...state, log, ...this.#source.at(rev) };
    this.#reason = undefined;
    this.#log = log;
    this.#mustRead = false;
    this.#isSyncing = true;
    this.#syncedFrom = rev;
    this.#feed.resumeFrom(rev, ts);
  }

  /** Waits for the events that follow, or reads them from the log. */
  async #more(): Promise<readonly Event[]> {
    const isDue = this.#feed.settleDoubt(this.#log) || this.#mustRead;
    if (!isDue && !(await this.#isMissing())) return [];
    // Stays set until the log was read, because the request may fail.
    this.#mustRead = true;
    const headBefore = this.#feed.head;
    const { position } = this.#feed;
    const page = await this.#source.read(position, this.#signal);
    if (page === 'compacted') this.#reason = 'compacted';
    else if (isAnotherLog(this.#log, page.log) || page.head < position) {
      this.#reason = 'store-reset';
    } else {
      this.#advance(page, headBefore);
      return page.events;
    }
    return [];
  }

  #advance({ log, head, events }: LogPage<Event>, headBefore: number): void {
    const last = events.at(-1);
    if (last) this.#feed.resumeFrom(this.#source.revsOf(last).last, last.ts);
    this.#feed.learn(log, head, headBefore);
    this.#log = log;
    this.#mustRead = this.#feed.position < head;
    this.#syncedFrom ??= head;
  }

  /** Waits for the next event. Returns whether the log must be read: it was overtaken and is missing, or nothing arrived. */
  async #isMissing(): Promise<boolean> {
    if (!this.#feed.hasGap) return !(await this.#feed.news(SILENCE_MS, this.#signal));
    await this.#feed.next(OVERTAKEN_MS, this.#signal);
    return !this.#feed.hasNext;
  }

  /** `undefined` while no manager answers: the failed call has already waited for its deadline. */
  async #ifAnswered<Result>(attempt: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await attempt();
    } catch (error) {
      if (this.#signal.aborted || (isMgmError(error) && error.retryable)) return undefined;
      throw error;
    }
  }
}

/**
 * Brings a listing to one revision, although its pages were read while the state changed: applies the events after the first
 * page, up to the last one that the log has then. `undefined` if the log was cut or lost meanwhile.
 */
export async function catchUp<Event extends Timed>(
  source: Pick<FollowedLog<object, object, Event>, 'read' | 'revsOf'>,
  firstPage: ListingPosition,
  apply: (event: Event) => void,
  signal: AbortSignal,
): Promise<ListingPosition | undefined> {
  let { rev, ts } = firstPage;
  const { log } = firstPage;
  for (let target: number | undefined; target === undefined || rev < target;) {
    const page = await source.read(rev, signal);
    if (page === 'compacted' || page.log !== log || page.head < rev) return undefined;
    target ??= page.head;
    const last = page.events.at(-1);
    if (!last && rev < target) return undefined;
    for (const event of page.events) apply(event);
    if (last) [rev, ts] = [source.revsOf(last).last, last.ts];
  }
  return { rev, log, ts };
}
