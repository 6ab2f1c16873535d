import type { Cause, MembershipCause } from './events.ts';
import type {
  SourceText,
  EntryItem,
  MembershipItem,
  MfeJoinItem,
  MfePruneItem,
  PruneItem,
} from './entries.ts';
import type { Epoch, NextHop, Revision, SessionId } from './ids.ts';

interface CallbackFields {
  /** 1, 2, 3 … per session, without gaps. */
  readonly seq: number;
  /** ms on the store's clock. */
  readonly ts: number;
  readonly ifIndex: number;
  readonly nextHop: NextHop;
}

/** Sent to the IGMP session on an interface that a routing protocol takes or loses; always as a pair, in this order. */
export interface IgmpCallback extends CallbackFields {
  readonly type: 'DISABLE_IGMP' | 'ENABLE_IGMP';
  /** The revision of the change. */
  readonly rev: Revision;
  readonly cause: Exclude<Cause, 'admin'>;
}

/** Sent to a session that lost an interface other than by its own release. */
export interface OwnershipLostCallback extends CallbackFields {
  readonly type: 'OWNERSHIP_LOST';
  readonly epoch: Epoch;
  readonly cause: Cause;
  readonly why?: string;
}

/** Pushed to a live session that another one has taken over. Not kept: its mailbox ends with it. Wire contract section 4. */
export interface SessionLostCallback {
  /** The next number of the former session. */
  readonly seq: number;
  readonly type: 'SESSION_LOST';
  /** ms on the store's clock. */
  readonly ts: number;
  readonly cause: 'takeover';
  /** The new session. */
  readonly by: SessionId;
}

/** A callback about an interface, as it is kept in the mailbox. Wire contract section 4. */
export type CallbackMessage = IgmpCallback | OwnershipLostCallback;

/** The types that `alerts` of `register` may name, in the order of its reply. Membership contract, section 4.1. */
export const ALERT_TYPES = [
  'JOIN_ALERT',
  'PRUNE_ALERT',
  'LOCAL_JOIN',
  'LOCAL_LEAVE',
  'RPF',
  'CREATION_ALERT',
  'WRONG_IF',
] as const;
export type AlertType = (typeof ALERT_TYPES)[number];

interface AlertFields {
  /** 1, 2, 3 … per session, without gaps; shared with all callbacks. */
  readonly seq: number;
  /** ms on the store's clock. */
  readonly ts: number;
  /** The membership revision at the end of the change. */
  readonly mrev: number;
}

/** Others began to want entries. */
export interface JoinAlert extends AlertFields {
  readonly type: 'JOIN_ALERT';
  readonly memberUpdate: true;
  /** 1 to 256, in the order of the changes. */
  readonly items: readonly EntryItem[];
  readonly cause: MembershipCause;
}

/** Others stopped wanting entries. */
export interface PruneAlert extends AlertFields {
  readonly type: 'PRUNE_ALERT';
  readonly memberDelete: true;
  /** 1 to 256, in the order of the changes. */
  readonly items: readonly PruneItem[];
  readonly cause: MembershipCause;
  /** Present where an IGMP window removed a membership, which IGMP is about to add again. */
  readonly window?: true;
}

/** Forwarding entries of the recipient gained their first foreign outgoing interface. Forwarding contract, section 5.6. */
export interface MfeJoinAlert extends AlertFields {
  readonly type: 'JOIN_ALERT';
  readonly memberUpdate: false;
  /** 1 to 256, by group and source. */
  readonly items: readonly MfeJoinItem[];
  /** The revision of the forwarding entries at the end of the change. */
  readonly frev: number;
  readonly cause: MembershipCause;
}

/** Forwarding entries of the recipient lost their last foreign outgoing interface, or were created without any. */
export interface MfePruneAlert extends AlertFields {
  readonly type: 'PRUNE_ALERT';
  readonly memberDelete: false;
  /** 1 to 256, by group and source. */
  readonly items: readonly MfePruneItem[];
  /** The revision of the forwarding entries at the end of the change. */
  readonly frev: number;
  readonly cause: MembershipCause;
}

/** IGMP added or deleted memberships on an interface that the recipient owns. */
export interface LocalAlert extends AlertFields {
  readonly type: 'LOCAL_JOIN' | 'LOCAL_LEAVE';
  /** 1 to 256, in the order of the changes. */
  readonly items: readonly MembershipItem[];
  readonly cause: MembershipCause;
  /** Not a new membership: the exclude list of the only item changed. Forwarding contract, section 9. */
  readonly update?: true;
  /** With `update`. */
  readonly mode?: 'exclude';
  /** With `update`: the sources that IGMP does not want on the interface. */
  readonly exclude?: readonly SourceText[];
}

/** The mailbox was full: alerts are missing until this is acknowledged. Membership contract, section 5.6. */
export interface ResyncCallback extends AlertFields {
  readonly type: 'RESYNC';
}

/** A callback about group memberships. Membership contract, section 5. */
export type AlertMessage =
  JoinAlert | PruneAlert | MfeJoinAlert | MfePruneAlert | LocalAlert | ResyncCallback;
