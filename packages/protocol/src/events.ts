import type { MembershipItem } from './entries.ts';
import type { Epoch, NextHop, Revision, SessionId } from './ids.ts';

/** The event types of wire contract section 5. */
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
  'interface-set',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Why an interface or session changed; `policy`: a setting of its owner. */
export type Cause = 'take' | 'release' | 'expire' | 'evict' | 'admin' | 'policy';

/** What IGMP's memberships on an owner's interface count for. Forwarding contract, section 7. */
export type LocalMembers = 'forward' | 'advise';

/** Settings of an interface that its owner or an operator changes. Forwarding contract, sections 7 and 10. */
export interface InterfaceSettings {
  /** Whether IGMP's memberships on it count for the owner (`forward`), or for no client until the owner adds its own (`advise`). */
  readonly localMembers?: LocalMembers;
  /** Whether its owner receives `WRONG_IF` hints. */
  readonly wrongIf?: boolean;
  /** How many groups may have memberships on it; 0: no limit. */
  readonly maxGroups?: number;
  /** How many memberships may be on it; 0: no limit. */
  readonly maxEntries?: number;
  /** Whether exclude lists are ignored there. */
  readonly lite?: boolean;
}

/** An event: published on `event.<type>` and kept in the log. */
export interface EventMessage extends InterfaceSettings {
  readonly rev: Revision;
  /** ms on the store's clock. */
  readonly ts: number;
  readonly type: EventType;
  /** `interface-set` by an operator: 0. */
  readonly session?: SessionId;
  readonly protocolId?: number;
  readonly componentId?: number;
  readonly ifIndex?: number;
  readonly nextHop?: NextHop;
  readonly epoch?: Epoch;
  /** `resumed`: the former session, whose interfaces were inherited. */
  readonly previous?: SessionId;
  readonly cause?: Cause;
  readonly actor?: string;
  readonly why?: string;
  /** The identity that caused it, where managers identify callers. */
  readonly caller?: string;
}

/** Published on `head` at least once a second, so that a watcher notices that it missed events. */
export interface HeadMessage {
  readonly rev: Revision;
  /** The oldest revision that the log still has. */
  readonly first: Revision;
  readonly ts: number;
  /** Random id of this log. Another id means that the store lost the old log and `rev` starts again. */
  readonly log: string;
  /** The membership revision. This and the next two fields are absent from managers without memberships. */
  readonly mrev?: number;
  /** The oldest membership revision that the log still has. */
  readonly mfirst?: number;
  /** A value of `rev`: everything that follows from ownership changes up to it is written. */
  readonly settled?: Revision;
  /** The revision of the multicast view. This and the next field are absent from managers without a multicast view. */
  readonly rrev?: number;
  /** A value of `rrev`: all alerts that follow from changes of the view up to it are written. */
  readonly rsettled?: number;
  /** The revision of the forwarding entries. This and the next two fields are absent from managers without forwarding entries. */
  readonly frev?: number;
  /** The oldest revision of the forwarding entries that the log still has. */
  readonly ffirst?: number;
  /** A value of `mrev`: all changes of forwarding entries that follow from memberships up to it are written. */
  readonly msettled?: number;
  /** The schema of the router's data now, the lowest that can hold it; absent from managers that do not report it. */
  readonly schema?: number;
  /** During a hold-off after data loss: how much longer nothing new is granted. */
  readonly holdOffMs?: number;
}

/** The types of membership events. Membership contract, section 6. */
export const MEMBERSHIP_EVENT_TYPES = ['joined', 'left', 'updated'] as const;
export type MembershipEventType = (typeof MEMBERSHIP_EVENT_TYPES)[number];

/**
 * Why a membership began or ended, or others began or ceased to want an entry: `member` for a request, `iif-moved` for another
 * owner of the interface towards the source, else the end of the hold. Of alerts about forwarding entries also `created` and
 * `route`, for another interface towards the source.
 */
export type MembershipCause = Cause | 'member' | 'iif-moved' | 'created' | 'route' | 'forward';

/**
 * Memberships that were created or removed, or, `updated`, one whose exclude list changed: published on `membership.<type>` and
 * kept in the log.
 */
export interface MembershipEvent {
  /** The revision of the first item. */
  readonly first: number;
  /** The revision of the last item. */
  readonly mrev: number;
  /** ms on the store's clock. */
  readonly ts: number;
  readonly type: MembershipEventType;
  /** The session that holds the memberships; 0 of static ones. */
  readonly session: SessionId;
  readonly protocolId: number;
  readonly componentId: number;
  /** The session that the memberships count for; 0 for none. */
  readonly countsFor: SessionId;
  readonly cause: MembershipCause;
  /** Who configured or removed static memberships, and why. */
  readonly actor?: string;
  readonly why?: string;
  /** 1 to 256. */
  readonly items: readonly MembershipItem[];
}
