import type { EventMessage, InterfaceItem, Revision } from '@mgm/protocol';

/**
 * Why a snapshot comes. `start`: the watch begins. `compacted`: the log has no longer what should have come next.
 * `store-reset`: the store lost data, and its log counts anew.
 */
export type SnapshotReason = 'start' | 'compacted' | 'store-reset';

/** What a watcher sees. */
export type Sighting =
  /**
   * All interfaces that somebody is on at revision `rev`: what was known before is void. Who holds what under which epoch is
   * as it was at `rev`; of a hold that changed while the list was read, `name` and `since` are as far as they were told.
   */
  | {
      readonly kind: 'snapshot';
      readonly reason: SnapshotReason;
      readonly interfaces: readonly InterfaceItem[];
      readonly rev: Revision;
      readonly log: string;
    }
  /**
   * Everything up to `rev` was told: what was there when the watch began, or when the snapshot was made. Comes once after each
   * snapshot, and once after `from`. With `rev` and `log` a later watch can go on from here.
   */
  | { readonly kind: 'synced'; readonly rev: number; readonly log: string }
  /** One change of state. Revisions follow each other without gaps, except across a snapshot and where a filter holds. */
  | { readonly kind: 'event'; readonly event: EventMessage };
