import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';
import type { Context } from '../rpc/context.ts';
import { interfacePages, readLog, sessionPages } from '../rpc/pages.ts';
import { EVENT_LOG } from './feed.ts';
import { SightingFilter, type WatchFilter } from './filter.ts';
import { follow, type FollowedLog, type FollowOptions, type SnapshotReason } from './follow.ts';
import { RouterHolds } from './holds.ts';

/** Where to begin, what to report, and how to end. */
export interface WatchOptions extends WatchFilter, FollowOptions {}

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

/**
 * All changes of state of a router, without gaps: see {@link follow}. Throws `MgmError` if it can't continue (`closed`,
 * `not-permitted`, `bad-request` for an invalid filter).
 */
export async function* watch(
  context: Context,
  options: WatchOptions = {},
): AsyncGenerator<Sighting, void, undefined> {
  const filter = new SightingFilter(options, context.router);
  const source: FollowedLog<EventMessage, Listing> = {
    ...EVENT_LOG,
    read: (from, signal) => readLog(context, from, signal),
    list: (signal) => listAtOneRevision(context, signal),
  };
  for await (const one of follow(context, source, options)) {
    if (one.kind === 'synced') yield one;
    else if (one.kind === 'event') yield* filter.events([one.event]);
    else yield snapshotOf(one.reason, one.listing, filter);
  }
}

function snapshotOf(
  reason: SnapshotReason,
  { interfaces, rev, log }: Listing,
  filter: SightingFilter,
): Sighting {
  return { kind: 'snapshot', reason, interfaces: filter.items(interfaces), rev, log };
}

/** All held interfaces at one revision. */
interface Listing extends Instant {
  readonly interfaces: readonly InterfaceItem[];
}

interface Instant {
  readonly rev: Revision;
  readonly log: string;
  /** When the event of this revision happened, in ms on the store clock; 0 if the log does not have it. */
  readonly ts: number;
}

/**
 * Lists a router at one revision, although its pages are read while it changes: the events since the first page, up to the
 * then last one of the log, are applied to the pages. `undefined` if the log was cut or lost meanwhile.
 */
async function listAtOneRevision(
  context: Context,
  signal: AbortSignal,
): Promise<Listing | undefined> {
  const holds = new RouterHolds();
  let first: { readonly rev: Revision; readonly log: string } | undefined;
  for await (const page of interfacePages(context, { limit: 1_000, signal })) {
    first ??= page;
    if (page.log !== first.log) return undefined;
    for (const item of page.items) holds.list(item);
  }
  if (!first) return undefined;
  const end = await apply(context, holds, first, signal);
  if (!end) return undefined;
  if (holds.lacksNames) await learnNames(context, holds, signal);
  return { interfaces: holds.items(), ...end };
}

async function apply(
  context: Context,
  holds: RouterHolds,
  begin: { readonly rev: Revision; readonly log: string },
  signal: AbortSignal,
): Promise<Instant | undefined> {
  let { rev } = begin;
  let ts = await timeOf(context, rev, signal);
  for (let target: number | undefined; target === undefined || rev < target;) {
    const page = await readLog(context, rev, signal);
    if (page === 'compacted' || page.log !== begin.log || page.head < rev) return undefined;
    target ??= page.head;
    const last: EventMessage | undefined = page.events.at(-1);
    if (!last && rev < target) return undefined;
    for (const event of page.events) holds.apply(event);
    if (last) ({ rev, ts } = last);
  }
  return { rev, log: begin.log, ts };
}

async function timeOf(context: Context, rev: Revision, signal: AbortSignal): Promise<number> {
  if (rev === 0) return 0;
  const page = await readLog(context, rev - 1, signal, 1);
  return page === 'compacted' ? 0 : (page.events[0]?.ts ?? 0);
}

/** Events do not contain the names of sessions. */
async function learnNames(
  context: Context,
  holds: RouterHolds,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of sessionPages(context, { limit: 1_000, signal })) {
    for (const { session, name } of page) holds.learnName(session, name);
  }
}
