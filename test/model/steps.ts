/**
 * The steps of a run as plain data: client, interface, earlier request. The resulting request depends on earlier steps, so a step
 * keeps its meaning when fast-check removes others.
 */
export type Step =
  | {
      readonly do: 'register';
      readonly client: number;
      readonly instance: 'same' | 'new';
      readonly takeover: boolean;
      readonly ttlMs: number;
      readonly graceMs: number;
    }
  | { readonly do: 'take'; readonly by: By; readonly on: On; readonly numbered: Numbered }
  | {
      readonly do: 'release';
      readonly by: By;
      readonly on: On;
      readonly numbered: Numbered;
      readonly epoch: EpochChoice;
    }
  | {
      readonly do: 'deregister';
      readonly by: By;
      readonly force: boolean;
      readonly numbered: Numbered;
    }
  | { readonly do: 'repeat'; readonly nth: number; readonly as: RepeatChoice }
  | {
      readonly do: 'keepalive';
      readonly by: By;
      readonly ack: boolean;
      readonly mailboxAck: 'none' | 'half' | 'all';
    }
  | { readonly do: 'mailbox'; readonly by: By; readonly limit: number }
  | { readonly do: 'owner'; readonly at: number }
  | { readonly do: 'validate'; readonly at: number; readonly epoch: EpochChoice }
  | { readonly do: 'events'; readonly back: number; readonly limit: number }
  | {
      readonly do: 'interfaces';
      readonly limit: number;
      readonly of: 'all' | 'session' | 'protocol';
      readonly client: number;
    }
  | { readonly do: 'sessions'; readonly limit: number }
  | { readonly do: 'admin.release'; readonly at: number }
  | { readonly do: 'admin.evict'; readonly client: number; readonly session: 'present' | 'earlier' }
  /** Its instance sends nothing more; copies of its requests may still arrive. */
  | { readonly do: 'crash'; readonly client: number };

/** The handle to send: the client's present one, that of its previous session, or the present one with a character changed. */
export interface By {
  readonly client: number;
  readonly handle: 'present' | 'earlier' | { readonly forgedAt: number };
}

/** `count` interfaces from the one at `first`, round and round. */
export interface On {
  readonly first: number;
  readonly count: number;
  readonly bulk: boolean;
}

/** `late`: not sent now, but a copy may arrive later. `edge`: the highest `seq` allowed; `beyond`: the one after it. */
export interface Numbered {
  readonly seq: 'next' | 'late' | 'edge' | 'beyond';
  readonly ack: boolean;
}

export type EpochChoice = 'none' | 'present' | 'before' | 'igmp' | 'never';
export type RepeatChoice = 'copy' | 'other-ack' | 'other-operation' | 'other-interfaces';

/** Concurrent steps. `look`: afterwards the whole state is listed and compared. */
export interface Turn {
  /** The manager that serves them. */
  readonly replica: number;
  readonly what:
    | { readonly kind: 'steps'; readonly steps: readonly Step[] }
    | { readonly kind: 'sweep' }
    /** Time passes. The healthy clients renew their leases each minute, and register when they have no session. */
    | { readonly kind: 'pass'; readonly minutes: number; readonly going: readonly number[] };
  readonly look: boolean;
}
