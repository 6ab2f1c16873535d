import type { Epoch, NextHop, Revision, SessionId } from './ids.ts';

/** The types of wire contract section 5, one per change of state. */
export const EVENT_TYPES = [
  'registered',
  'deregistered',
  'taken',
  'released',
  'igmp-taken',
  'igmp-released',
  'stale',
  'expired',
  'resumed',
  'evicted',
  'store-reset',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Why something changed. */
export type Cause = 'take' | 'release' | 'expire' | 'evict' | 'admin';

/** One change of state, as it travels on `event.<type>` and stands in the log. */
export interface EventMessage {
  readonly rev: Revision;
  /** ms on the store's clock. */
  readonly ts: number;
  readonly type: EventType;
  readonly session?: SessionId;
  readonly protocolId?: number;
  readonly componentId?: number;
  readonly ifIndex?: number;
  readonly nextHop?: NextHop;
  readonly epoch?: Epoch;
  /** `resumed`: the session whose interfaces these were. */
  readonly previous?: SessionId;
  readonly cause?: Cause;
  readonly actor?: string;
  readonly why?: string;
}

/** The beacon on `head`: shows a silent watcher that it missed something. */
export interface HeadMessage {
  readonly rev: Revision;
  /** The oldest revision the log still has. */
  readonly first: Revision;
  readonly ts: number;
  /** Random id of this log: another one means that the store lost the old log and `rev` counts anew. */
  readonly log: string;
}
