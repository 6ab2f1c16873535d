import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';
import type { Context } from '../rpc/context.ts';
import { readLog } from '../rpc/pages.ts';
import { EVENT_LOG } from './feed.ts';
import { SightingFilter, type WatchFilter } from './filter.ts';
import { follow, type FollowedLog, type FollowOptions, type SnapshotReason } from './follow.ts';
import { listAtOneRevision, type Listing } from './listing.ts';

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
