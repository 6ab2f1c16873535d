/**
 * The types of the model. Sessions and epochs are numbered 1, 2, 3 … in the order in which they are granted: the contract
 * promises only that an epoch is larger than any before it.
 */
export type SessionNumber = number;
export type EpochNumber = number;

/** An interface: `<ifIndex>:<nextHop>` with the canonical text of the next hop, `7:` without one. */
export type InterfaceName = string;

/** The pair (protocol, component) that names a client, and the client's name. */
export interface Pair {
  readonly protocolId: number;
  readonly componentId: number;
  readonly name: string;
}

/** The handle of a session, or the same with one character changed, which no session has. */
export interface Handle {
  readonly session: SessionNumber;
  /** The position of the changed character: 0 for the first, 1 for the last. */
  readonly forgedAt?: number;
}

interface Sequenced {
  readonly handle: Handle;
  readonly seq: number;
  readonly ack: number;
}

interface OnInterfaces extends Sequenced {
  readonly on: readonly InterfaceName[];
  /** Sent as `interfaces`, so the reply has `results`. */
  readonly bulk: boolean;
}

export type Register = {
  readonly kind: 'register';
  readonly pair: Pair;
  readonly instance: string;
  readonly ttlMs: number;
  readonly graceMs: number;
  readonly takeover: boolean;
};
export type Take = OnInterfaces & { readonly kind: 'take' };
export type Release = OnInterfaces & { readonly kind: 'release'; readonly epoch?: EpochNumber };
export type Deregister = Sequenced & { readonly kind: 'deregister'; readonly force: boolean };
export type SequencedRequest = Take | Release | Deregister;

/** A request of wire contract section 3, `sessions` and `interfaces` meaning all their pages. */
export type Request =
  | Register
  | SequencedRequest
  | {
      readonly kind: 'keepalive';
      readonly handle: Handle;
      readonly ack?: number;
      readonly mailboxAck?: number;
    }
  | { readonly kind: 'owner'; readonly on: InterfaceName }
  | { readonly kind: 'validate'; readonly on: InterfaceName; readonly epoch: EpochNumber }
  | {
      readonly kind: 'interfaces';
      readonly limit: number;
      readonly session?: SessionNumber;
      readonly protocolId?: number;
    }
  | { readonly kind: 'sessions'; readonly limit: number }
  | { readonly kind: 'events'; readonly from: number; readonly limit: number }
  | {
      readonly kind: 'mailbox';
      readonly handle: Handle;
      readonly from: number;
      readonly limit: number;
    }
  | ({ readonly kind: 'admin.release'; readonly on: InterfaceName } & Order)
  | ({ readonly kind: 'admin.evict'; readonly session: SessionNumber } & Order);

/** The operator of a request, and the reason. */
export interface Order {
  readonly actor: string;
  readonly why: string;
}

/**
 * The required fields of a reply, which may have more. A field that is `undefined` here must be absent there, and a list of
 * reasons allows any of them.
 */
export interface Reply {
  readonly status: number;
  readonly reason?: string | readonly string[];
  readonly [field: string]: unknown;
}

/** The result of an operation. */
export interface Outcome {
  readonly reply: Reply;
  /**
   * `must`: a repeat that gets exactly the first reply. `may`: the first reply or the present one, since the contract leaves
   * it open.
   */
  readonly repeat?: 'must' | 'may';
}

export type EventCause = 'take' | 'release' | 'expire' | 'evict' | 'admin';

/** An event of wire contract section 5, without the fields that only the real log has. */
export interface LogEvent {
  readonly type: string;
  readonly session: SessionNumber;
  readonly protocolId: number;
  readonly componentId: number;
  readonly on?: InterfaceName;
  readonly epoch?: EpochNumber;
  readonly previous?: SessionNumber;
  readonly cause?: EventCause;
  readonly actor?: string;
  readonly why?: string;
}

/**
 * A due event: `now`, in the same step as the operation; `later`, when a manager notices it, since the end of a session is
 * noticed late and its interfaces are released in slices (section 7).
 */
export interface DueEvent {
  readonly event: LogEvent;
  readonly when: 'now' | 'later';
}

/** A callback of wire contract section 4, without `seq` and `ts`. */
export interface Callback {
  readonly type: 'DISABLE_IGMP' | 'ENABLE_IGMP' | 'OWNERSHIP_LOST';
  readonly on: InterfaceName;
  readonly rev?: number;
  readonly epoch?: EpochNumber;
  readonly cause: EventCause;
  readonly why?: string;
}
