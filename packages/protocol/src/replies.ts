import type { Epoch, Handle, NextHop, Revision, SessionId } from './ids.ts';
import type { OperationName } from './operations.ts';
import type { StatusCode } from './codes.ts';
import type { CallbackMessage } from './callbacks.ts';
import type { EventMessage } from './events.ts';

/** Who holds an interface, as `owner` answers and a refusal's `holder` tells. */
export interface Holder {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: SessionId;
  readonly name: string;
  readonly epoch: Epoch;
  /** When it was taken, in ms on the store's clock. */
  readonly since: number;
  /** Whether the holder's lease ran out and its grace time runs. */
  readonly stale: boolean;
  /** While `stale`: ms until the holder loses it. */
  readonly graceLeftMs?: number;
  /** The IGMP session beside the owner, where there is one. */
  readonly igmp?: IgmpHold;
}

export interface IgmpHold {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: SessionId;
  readonly epoch: Epoch;
}

export interface InterfaceItem extends Holder {
  readonly ifIndex: number;
  readonly nextHop: NextHop;
}

export interface SessionItem {
  readonly session: SessionId;
  readonly protocolId: number;
  readonly componentId: number;
  readonly name: string;
  readonly state: 'live' | 'stale';
  /** ms until the lease (or, when stale, the grace time) runs out. */
  readonly expiresInMs: number;
  readonly interfaces: number;
}

/** What every reply carries where the request was refused. Wire contract section 2. */
export interface RefusalFields {
  readonly status: Exclude<StatusCode, 0>;
  readonly error: string;
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
  readonly holder?: Holder;
  readonly current?: Epoch;
  readonly first?: Revision;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** One interface of a bulk request. */
export type BulkResult = { readonly status: 0; readonly epoch?: Epoch } | RefusalFields;

/** What the reply to each operation carries when `status` is 0, besides `status` and `rev`. */
export interface ReplyFields {
  register: {
    readonly handle: Handle;
    readonly session: SessionId;
    readonly ttlMs: number;
    readonly graceMs: number;
    readonly mailbox: number;
    readonly resumed: boolean;
    readonly owned?: number;
    readonly epoch?: Epoch;
  };
  keepalive: { readonly ttlMs: number; readonly mailbox: number };
  deregister: object;
  take: { readonly epoch?: Epoch; readonly results?: readonly BulkResult[] };
  release: { readonly results?: readonly BulkResult[] };
  owner: Holder;
  validate: { readonly current: Epoch };
  interfaces: {
    readonly items: readonly InterfaceItem[];
    readonly cursor?: string;
    readonly log: string;
  };
  sessions: { readonly items: readonly SessionItem[]; readonly cursor?: string };
  events: {
    readonly events: readonly EventMessage[];
    readonly head: Revision;
    readonly first: Revision;
    readonly log: string;
  };
  mailbox: { readonly messages: readonly CallbackMessage[]; readonly head: number };
  'admin.release': { readonly previous: Holder };
  'admin.evict': { readonly released: number };
}

/** What an operation answers: its own fields, or why it was refused. */
export type Answer<Name extends OperationName> =
  ({ readonly status: 0 } & ReplyFields[Name]) | RefusalFields;

/** A reply on the wire: the answer, and the router's revision after the operation. */
export type Reply<Name extends OperationName> = Answer<Name> & { readonly rev: Revision };
