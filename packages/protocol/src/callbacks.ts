import type { Cause } from './events.ts';
import type { Epoch, NextHop, Revision } from './ids.ts';

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

/** A message in a session's mailbox. Wire contract section 4. */
export type CallbackMessage = IgmpCallback | OwnershipLostCallback;
