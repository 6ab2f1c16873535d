import type {
  AgentItem,
  EventMessage,
  InterfaceLimits,
  ListedEntry,
  ListedMembership,
  ListedRoute,
  LocalMembers,
  OperatorEvent,
  Replica,
  ReportedMfe,
  RouterSummary,
  SessionItem,
  SnapshotReason,
} from '@mgm/client';

/** The JSON that the server sends to the browser; both sides use these types. */

/** A refusal, or a failure of a request. */
export interface Problem {
  /** As of the client library: `not-found`, `unavailable`, … */
  readonly reason: string;
  readonly message: string;
  /** `unknown`: the effect may have happened. */
  readonly outcome?: string;
  /** `compacted`: the oldest revision that the log still has. */
  readonly first?: number;
}

/** Events of a stream, by their names. Rows of a snapshot follow `reset` as arrays of interfaces until `synced`. */
export interface StreamMessages {
  readonly reset: { readonly reason: SnapshotReason };
  readonly synced: { readonly rev: number; readonly log: string };
  readonly change: EventMessage;
  readonly status: Status;
  readonly failed: Problem;
}

/** Sent every few seconds. */
export interface Status {
  /** Whether the console is connected to NATS. */
  readonly connected: boolean;
}

/** What the console is and who uses it. */
export interface About {
  readonly version: string;
  readonly user: string;
  /** The router to show first; `''` if none has live sessions. */
  readonly router: string;
  readonly routers: readonly RouterSummary[];
}

export interface ReplicaList {
  readonly replicas: readonly Replica[];
}

export interface SessionList {
  readonly sessions: readonly SessionItem[];
  /** Whether there are more than the console lists. */
  readonly hasMore: boolean;
}

/** A page of the log. */
export interface EventPage {
  readonly events: readonly EventMessage[];
  readonly first: number;
  readonly head: number;
}

export interface AuditPage {
  readonly events: readonly OperatorEvent[];
  readonly first: number;
  readonly head: number;
}

/** The newest changes of one interface, oldest first. */
export interface History {
  readonly events: readonly EventMessage[];
  /** Whether earlier changes are left out. */
  readonly hasMore: boolean;
}

/** What a search on the server found. */
export interface Found<Item> {
  readonly items: readonly Item[];
  /** How many items were looked at. */
  readonly searched: number;
  /** Whether there are more than were looked at, or more matches than are listed. */
  readonly hasMore: boolean;
}

export type FoundGroups = Found<ListedEntry>;
export type FoundMembers = Found<ListedMembership>;
export type FoundMfes = Found<ReportedMfe>;
export type FoundRoutes = Found<ListedRoute>;

/** The forwarder agents of a router. */
export interface AgentList {
  readonly agents: readonly AgentItem[];
  /** The revision of the forwarding entries: an agent with a lower one is behind. */
  readonly frev: number;
  /** Whether there are more than the console lists. */
  readonly hasMore: boolean;
}

/** An interface by its numbers. */
export interface InterfaceRef {
  readonly ifIndex: number;
  /** `''` for none. */
  readonly nextHop: string;
}

/** The limits of an interface and what counts towards them, and its static memberships. */
export interface InterfaceSettings extends InterfaceLimits {
  /** Groups with memberships there. */
  readonly groups: number;
  readonly memberships: number;
  /** Whether there are more memberships than were looked at. */
  readonly hasMore: boolean;
  /** What IGMP's memberships count for; absent while there is none next to an owner. */
  readonly localMembers?: LocalMembers;
  readonly static: readonly ListedMembership[];
}

/** New limits of an interface. */
export interface LimitsRequest extends InterfaceRef, InterfaceLimits {
  readonly why: string;
}

/** A static membership to add or to remove. */
export interface StaticRequest extends InterfaceRef {
  /** `''` for all groups of IPv4. */
  readonly group: string;
  /** `''` for any. */
  readonly source: string;
  readonly why: string;
}

/** A forced release. */
export interface ReleaseRequest extends InterfaceRef {
  /** Only what is held under this epoch is released. */
  readonly epoch: string;
  readonly why: string;
}

/** An eviction. */
export interface EvictRequest {
  readonly session: number;
  readonly why: string;
}

export interface Evicted {
  readonly released: number;
}
