import type { Epoch, Revision } from './ids.ts';
import type { Holder } from './operations/holder.ts';

/** The status codes of wire contract section 2: Win32 codes as the MGM documentation uses them. */
export const Status = {
  NO_ERROR: 0,
  ERROR_ACCESS_DENIED: 5,
  ERROR_NOT_ENOUGH_MEMORY: 8,
  ERROR_INVALID_PARAMETER: 87,
  ERROR_ALREADY_EXISTS: 183,
  ERROR_CAN_NOT_COMPLETE: 1003,
  ERROR_NOT_FOUND: 1168,
} as const;
export type StatusName = keyof typeof Status;
export type StatusCode = (typeof Status)[StatusName];

/** Why a request was refused: the status and the stable reason that a program may branch on. */
interface RefusalCode {
  readonly status: StatusCode;
  readonly reason: string;
  /** The explanation in the documentation. */
  readonly meaning: string;
}

/** Every refusal that a manager can send. The keys are internal; `status` and `reason` are the contract. */
export const Refusals = {
  notPermitted: {
    status: 5,
    reason: 'not-permitted',
    meaning: 'the identity of the caller may not do this; only where managers identify callers',
  },
  storeFull: { status: 8, reason: 'store-full', meaning: 'the store refused the write for memory' },
  badRequest: {
    status: 87,
    reason: 'bad-request',
    meaning: 'malformed, or a field is missing or out of range: `field` names it',
  },
  badHandle: { status: 87, reason: 'bad-handle', meaning: 'no session has this handle' },
  sessionExpired: {
    status: 87,
    reason: 'session-expired',
    meaning: 'the session of this handle is over, or in its grace time',
  },
  staleRequest: {
    status: 87,
    reason: 'stale-request',
    meaning: 'the client has already finished or abandoned this `seq`',
  },
  notOwner: {
    status: 87,
    reason: 'not-owner',
    meaning: 'the session is not on this interface, or the epoch is not the one in force',
  },
  unknownInterface: {
    status: 87,
    reason: 'not-found',
    meaning: 'release of an interface, or member.add on one, that no client is on',
  },
  ssmNeedsSource: {
    status: 87,
    reason: 'ssm-needs-source',
    meaning: 'a group in the SSM range (232.0.0.0/8, ff3x::/32) was given without a source',
  },
  alreadyRegistered: {
    status: 183,
    reason: 'already-registered',
    meaning: 'another instance of this (protocol, component) has a live session',
  },
  alreadyOwned: {
    status: 183,
    reason: 'already-owned',
    meaning: 'another client holds it: `holder`',
  },
  alreadyTaken: {
    status: 183,
    reason: 'already-taken',
    meaning: 'this very session holds it, through another request',
  },
  ownsInterfaces: {
    status: 1003,
    reason: 'owns-interfaces',
    meaning: 'deregister with interfaces owned and without `force`',
  },
  unavailable: {
    status: 1003,
    reason: 'unavailable',
    meaning:
      'the store is not reachable, or lost data and grants nothing new for a while; nothing happened; `retryable`',
  },
  overloaded: {
    status: 1003,
    reason: 'overloaded',
    meaning: 'the intake is full; nothing happened; `retryable` after `retryAfterMs`',
  },
  indeterminate: {
    status: 1003,
    reason: 'indeterminate',
    meaning: 'it may or may not have happened: repeat the same `seq` to find out',
  },
  compacted: {
    status: 1003,
    reason: 'compacted',
    meaning: 'the log no longer reaches back to `from`; it starts at `first`',
  },
  limit: {
    status: 1003,
    reason: 'limit',
    meaning: 'the router has as many entries, or interfaces with memberships, as it may have',
  },
  noMfe: {
    status: 1003,
    reason: 'no-mfe',
    meaning: 'FORWARD for an (s,g) that has no forwarding entry',
  },
  noMembership: {
    status: 1168,
    reason: 'no-membership',
    meaning: 'delete of a membership that the client does not have',
  },
  notFound: { status: 1168, reason: 'not-found', meaning: 'no such interface or session' },
} as const satisfies Record<string, RefusalCode>;
export type RefusalName = keyof typeof Refusals;
export type Reason = (typeof Refusals)[RefusalName]['reason'];

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Status).map(([name, code]) => [code, name]),
);

/** The Win32 name of a status, as replies carry it in `error`. */
export function statusName(status: number): string {
  return NAMES.get(status) ?? `ERROR_${status}`;
}

/** A refusal: what every reply with another `status` than 0 carries. Wire contract section 2. */
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

type RefusalDetail = Omit<RefusalFields, 'status' | 'error' | 'reason' | 'message'>;

/** A refusal with status, error and reason from {@link Refusals}, and the message and details of the caller. */
export function refusal(
  name: RefusalName,
  message: string,
  detail: RefusalDetail = {},
): RefusalFields {
  const { status, reason } = Refusals[name];
  return { status, error: statusName(status), reason, message, ...detail };
}
