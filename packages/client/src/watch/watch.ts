import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';
import { isMgmError } from '../errors.ts';
import { isAnotherLog, type Context } from '../rpc/context.ts';
import { readLog } from '../rpc/pages.ts';
import type { Success } from '../rpc/messages.ts';
import { EventFeed } from './feed.ts';
import { SightingFilter, type WatchFilter } from './filter.ts';
import { listAtOneRevision, type Listing } from './listing.ts';

/** How long the next event may be missing before the log is read; a later one may have overtaken it. */
const OVERTAKEN_MS = 50;
/** How long silence is believed. Routers with live sessions have a head every second; without one the last event may be lost. */
const SILENCE_MS = 5_000;

/** Where to begin, what to report, and how to end. */
export interface WatchOptions extends WatchFilter {
  /** The revision after which to begin. Default: a snapshot first, and then what follows it. */
  readonly from?: number | undefined;
  /** The log that `from` belongs to, if known: a snapshot is sent instead if the store has another log. */
  readonly log?: string | undefined;
  /** Ends the watch: the iteration is done. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Why a snapshot is sent. `start`: the watch begins. `compacted`: the log no longer has the next event. `store-reset`: the
 * store lost data and began another log.
 */
export type SnapshotReason = 'start' | 'compacted' | 'store-reset';

/** An item of a watch. */
export type Sighting =
  /**
   * All interfaces that are held at revision `rev`; it replaces everything reported before. Holders and epochs are those
   * of `rev`; for a hold that changed while the list was read, `name` and `since` are best effort.
   */
  | {
      readonly kind: 'snapshot';
      readonly reason: SnapshotReason;
      readonly interfaces: readonly InterfaceItem[];
      readonly rev: Revision;
      readonly log: string;
    }
  /**
   * Everything up to `rev` was reported: what was there when the watch began, or when the snapshot was made. Once after
   * each snapshot, and once after `from`. A later watch can resume from `rev` and `log`.
   */
  | { readonly kind: 'synced'; readonly rev: number; readonly log: string }
  /** One event. Revisions follow each other without gaps, except across a snapshot and with a filter. */
  | { readonly kind: 'event'; readonly event: EventMessage };

/** The state of a watch. */
interface Watch {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** The log that was read last. */
  log: string | undefined;
  /** A snapshot has to be made next, and why. */
  reason: SnapshotReason | undefined;
  /** A snapshot that is to be reported. */
  listing: (Listing & { readonly reason: SnapshotReason }) | undefined;
  /** Whether the log must be read next: nothing is known yet, or it has more. */
  mustRead: boolean;
  /** Whether `synced` is still to be reported, and the revision from which on it holds, once that is known. */
  isSyncing: boolean;
  syncedFrom: number | undefined;
}

/**
 * All changes of state of a router, without gaps: pushed events as they arrive, missed ones read from the log. If the log
 * does not reach back far enough, or the store lost it, there is a new snapshot. A slow reader costs bounded memory:
 * pushed events are buffered up to a limit, the rest is read from the log. Ends when the signal fires; throws `MgmError` if
 * it can't continue (`closed`, `not-permitted`, `bad-request` for an invalid filter). Without a manager it waits.
 */
export async function* watch(
  context: Context,
  options: WatchOptions = {},
): AsyncGenerator<Sighting, void, undefined> {
  const { from, log, signal = new AbortController().signal } = options;
  const filter = new SightingFilter(options, context.router);
  using feed = new EventFeed(context);
  const state = newWatch(feed, signal, from, log);
  while (!signal.aborted) {
    const synced = state.reason === undefined && syncedAt(state);
    if (synced) yield synced;
    const events = synced ? [] : await step(context, state);
    for (const sighting of filter.events(events)) {
      yield sighting;
      if (signal.aborted) return;
    }
    const { listing } = state;
    state.listing = undefined;
    if (listing) yield snapshotOf(listing, filter);
  }
}

function newWatch(
  feed: EventFeed,
  signal: AbortSignal,
  from: number | undefined,
  log: string | undefined,
): Watch {
  if (from !== undefined) feed.resumeFrom(from);
  return {
    feed,
    signal,
    log,
    reason: from === undefined ? 'start' : undefined,
    listing: undefined,
    mustRead: true,
    isSyncing: true,
    syncedFrom: undefined,
  };
}

/** The `synced` mark, once everything up to it was reported; then not again. */
function syncedAt(state: Watch): (Sighting & { kind: 'synced' }) | undefined {
  const { isSyncing, syncedFrom, feed, log } = state;
  if (!isSyncing || syncedFrom === undefined || log === undefined) return undefined;
  if (feed.position < syncedFrom) return undefined;
  state.isSyncing = false;
  return { kind: 'synced', rev: feed.position, log };
}

function snapshotOf(
  { reason, interfaces, rev, log }: NonNullable<Watch['listing']>,
  filter: SightingFilter,
): Sighting {
  return { kind: 'snapshot', reason, interfaces: filter.items(interfaces), rev, log };
}

/** The next events that are buffered or can be read; or it stores the listing of a snapshot in `state`. */
async function step(context: Context, state: Watch): Promise<readonly EventMessage[]> {
  if (state.reason !== undefined) {
    await ifAnswered(state, () => snap(context, state));
    return [];
  }
  const next = state.feed.take();
  if (next) return [next];
  return (await ifAnswered(state, () => more(context, state))) ?? [];
}

async function snap(context: Context, state: Watch): Promise<void> {
  const { feed, signal, reason = 'start' } = state;
  feed.startOver();
  const listing = await listAtOneRevision(context, signal);
  if (!listing) return;
  const isReset = isAnotherLog(state.log, listing.log);
  state.listing = { ...listing, reason: isReset ? 'store-reset' : reason };
  state.reason = undefined;
  state.log = listing.log;
  state.mustRead = false;
  state.isSyncing = true;
  state.syncedFrom = listing.rev;
  feed.resumeFrom(listing.rev, listing.ts);
}

/** Waits for the events that follow, or reads them from the log. */
async function more(context: Context, state: Watch): Promise<readonly EventMessage[]> {
  const { feed, signal } = state;
  const isDue = feed.settleDoubt(state.log) || state.mustRead;
  if (!isDue && !(await isMissing(feed, signal))) return [];
  // Stays set until the log was read, because the request may fail.
  state.mustRead = true;
  const headBefore = feed.head;
  const page = await readLog(context, feed.position, signal);
  if (page === 'compacted') state.reason = 'compacted';
  else if (isAnotherLog(state.log, page.log) || page.head < feed.position) {
    state.reason = 'store-reset';
  } else {
    advance(state, page, headBefore);
    return page.events;
  }
  return [];
}

function advance(state: Watch, { log, head, events }: Success<'events'>, headBefore: number): void {
  const { feed } = state;
  const last = events.at(-1);
  if (last) feed.resumeFrom(last.rev, last.ts);
  feed.learn(log, head, headBefore);
  state.log = log;
  state.mustRead = feed.position < head;
  state.syncedFrom ??= head;
}

/** Waits for the next event. Returns whether the log must be read: it was overtaken and is missing, or nothing arrived. */
async function isMissing(feed: EventFeed, signal: AbortSignal): Promise<boolean> {
  if (!feed.hasGap) return !(await feed.news(SILENCE_MS, signal));
  await feed.next(OVERTAKEN_MS, signal);
  return !feed.hasNext;
}

/** `undefined` while no manager answers: the failed call has already waited for its deadline. */
async function ifAnswered<Result>(
  { signal }: Watch,
  attempt: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (signal.aborted || (isMgmError(error) && error.retryable)) return undefined;
    throw error;
  }
}
