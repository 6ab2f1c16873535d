/**
 * What may happen in a run, as plain data: which client, which interface, which earlier request. What that comes to depends on
 * what happened before, so a step keeps its meaning when fast-check leaves out others.
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
  /** Its instance never sends again; copies of what it sent may still come. */
  | { readonly do: 'crash'; readonly client: number };

/** Whose handle: a client's present one, that of its session before, or its present one with a character changed. */
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

/** `late`: not sent now, a copy may come later. `edge`: the highest `seq` allowed; `beyond`: the one after it. */
export interface Numbered {
  readonly seq: 'next' | 'late' | 'edge' | 'beyond';
  readonly ack: boolean;
}

export type EpochChoice = 'none' | 'present' | 'before' | 'igmp' | 'never';
export type RepeatChoice = 'copy' | 'other-ack' | 'other-operation' | 'other-interfaces';

/** What happens at once. `look`: then everything is listed and compared. */
export interface Turn {
  /** Which manager answers. */
  readonly replica: number;
  readonly what:
    | { readonly kind: 'steps'; readonly steps: readonly Step[] }
    | { readonly kind: 'sweep' }
    /** Time passes. The clients that keep going renew their leases each minute, and register where they have none. */
    | { readonly kind: 'pass'; readonly minutes: number; readonly going: readonly number[] };
  readonly look: boolean;
}
