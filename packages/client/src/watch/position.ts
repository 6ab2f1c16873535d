import type { EventMessage } from '@mgm/protocol';
import type { Context } from '../rpc/context.ts';
import { isMgmError } from '../errors.ts';
import type { EventFeed } from './feed.ts';
import { readLog, type LogPage } from './log-page.ts';
import { listAtOneRevision, type Listing } from './listing.ts';
import type { Sighting, SnapshotReason } from './sighting.ts';
import { isAnotherLog } from '../rpc/store-log.ts';
import type { SightingFilter } from './filter.ts';

/** How long an event may be overtaken by the one after it before the log is read. */
const OVERTAKEN_MS = 50;
/** How long silence is believed; a router with live sessions has a beacon every second, without them the last may be lost. */
const SILENCE_MS = 5_000;

/** How far the watch got. */
export interface Place {
  readonly feed: EventFeed;
  readonly signal: AbortSignal;
  /** The log that was read last. */
  log: string | undefined;
  /** A snapshot has to come first, and why. */
  reason: SnapshotReason | undefined;
  /** A snapshot that is to be told. */
  listing: (Listing & { readonly reason: SnapshotReason }) | undefined;
  /** Whether the log must be read before anything is believed: nothing is known yet, or it has more. */
  mustRead: boolean;
  /** Whether `synced` is still to be told, and the revision from which on that is true, once it is known. */
  isSyncing: boolean;
  syncedFrom: number | undefined;
}

/** The beginning: after `from`, or with a snapshot. */
export function newPlace(
  feed: EventFeed,
  signal: AbortSignal,
  from: number | undefined,
  log: string | undefined,
): Place {
  if (from !== undefined) feed.goOnFrom(from);
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

/** The mark, where everything up to it was told. To be asked before each step; says it once. */
export function syncedAt(place: Place): (Sighting & { kind: 'synced' }) | undefined {
  const { isSyncing, syncedFrom, feed, log } = place;
  if (!isSyncing || syncedFrom === undefined || log === undefined) return undefined;
  if (feed.position < syncedFrom) return undefined;
  place.isSyncing = false;
  return { kind: 'synced', rev: feed.position, log };
}

/** A listing as the watcher sees it. */
export function snapshotOf(
  { reason, interfaces, rev, log }: NonNullable<Place['listing']>,
  filter: SightingFilter,
): Sighting {
  return { kind: 'snapshot', reason, interfaces: filter.items(interfaces), rev, log };
}

/** The next events, if they are here or can be read; or the listing of a snapshot, in `place`. */
export async function step(context: Context, place: Place): Promise<readonly EventMessage[]> {
  if (place.reason !== undefined) {
    await orWait(place, () => snap(context, place));
    return [];
  }
  const next = place.feed.take();
  if (next) return [next];
  return (await orWait(place, () => more(context, place))) ?? [];
}

async function snap(context: Context, place: Place): Promise<void> {
  const { feed, signal, reason = 'start' } = place;
  feed.startOver();
  const listing = await listAtOneRevision(context, signal);
  if (!listing) return;
  const isReset = isAnotherLog(place.log, listing.log);
  place.listing = { ...listing, reason: isReset ? 'store-reset' : reason };
  place.reason = undefined;
  place.log = listing.log;
  place.mustRead = false;
  place.isSyncing = true;
  place.syncedFrom = listing.rev;
  feed.goOnFrom(listing.rev, listing.ts);
}

/** What follows and is not here yet: waits for it, or reads it. */
async function more(context: Context, place: Place): Promise<readonly EventMessage[]> {
  const { feed, signal } = place;
  const isDue = feed.settleDoubt(place.log) || place.mustRead;
  if (!isDue && !(await isMissing(feed, signal))) return [];
  // Until it is read it must be read: nobody may be there to answer.
  place.mustRead = true;
  const headBefore = feed.head;
  const page = await readLog(context, feed.position, signal);
  const lost = whyLost(place, page);
  if (lost !== undefined || page === 'compacted') {
    place.reason = lost ?? 'compacted';
    return [];
  }
  goOn(place, page, headBefore);
  return page.events;
}

function whyLost({ log, feed }: Place, page: LogPage | 'compacted'): SnapshotReason | undefined {
  if (page === 'compacted') return 'compacted';
  return isAnotherLog(log, page.log) || page.head < feed.position ? 'store-reset' : undefined;
}

function goOn(place: Place, { log, head, events }: LogPage, headBefore: number): void {
  const { feed } = place;
  const last = events.at(-1);
  if (last) feed.goOnFrom(last.rev, last.ts);
  feed.learn(log, head, headBefore);
  place.log = log;
  place.mustRead = feed.position < head;
  place.syncedFrom ??= head;
}

/** Waits for news. Whether the log must be read: the next event was overtaken and does not come, or nothing came at all. */
async function isMissing(feed: EventFeed, signal: AbortSignal): Promise<boolean> {
  if (!feed.hasGap) return !(await feed.news(SILENCE_MS, signal));
  await feed.next(OVERTAKEN_MS, signal);
  return !feed.hasNext;
}

/** Nobody there to answer, for now: nothing was found. The calls have waited long enough already. */
async function orWait<Found>(
  { signal }: Place,
  look: () => Promise<Found>,
): Promise<Found | undefined> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted || (isMgmError(error) && error.retryable)) return undefined;
    throw error;
  }
}
