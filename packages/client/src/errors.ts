import { Status, statusName } from '@mgm/protocol';
import type {
  BadRequest,
  Epoch,
  Holder,
  InterfaceKey,
  OperationName,
  Reason,
  RefusalFields,
  Revision,
} from '@mgm/protocol';

/**
 * Reasons that arise in the client; no manager sends them.
 *
 * - `timeout`: no reply within the call's deadline.
 * - `aborted`: the caller's `AbortSignal` fired first.
 * - `closed`: the client, or the NATS connection that it was given, was closed.
 * - `session-lost`: the session is over: nothing was sent, or the reply arrived after the session's deadline.
 * - `ownership-lost`: this ownership was lost while its session lives on (`message` says why).
 * - `released`: the holder released this ownership.
 * - `not-permitted`: the NATS server refuses this user the subject, or the login.
 * - `bad-reply`: the reply violates the wire contract.
 * - `not-supported`: no running manager knows the operation, while they answer others: they are older than this client.
 */
export const LOCAL_REASONS = [
  'timeout',
  'aborted',
  'closed',
  'session-lost',
  'ownership-lost',
  'released',
  'not-permitted',
  'bad-reply',
  'not-supported',
] as const;
/** One of {@link LOCAL_REASONS}. */
export type LocalReason = (typeof LOCAL_REASONS)[number];

/** Every reason that this version knows. A newer manager may send others. */
export type MgmReason = Reason | LocalReason;

/**
 * Whether the effect may have happened. `not-done`: it has not and will not. `unknown`: it may have happened, at least
 * temporarily; do not act as owner of the interface, and do not assume that it is free.
 */
export type Outcome = 'not-done' | 'unknown';

/** The fields of an {@link MgmError}. */
export interface MgmErrorFields {
  readonly reason: MgmReason | (string & {});
  readonly outcome: Outcome;
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly field?: string | undefined;
  readonly holder?: Holder | undefined;
  readonly current?: Epoch | undefined;
  readonly first?: Revision | undefined;
  readonly operation?: OperationName | undefined;
  readonly router?: string | undefined;
  readonly interface?: InterfaceKey | undefined;
  readonly cause?: unknown;
}

/**
 * A refusal of the manager, or a call without a reply. `code` and the fields are stable API, the text is for people.
 * Distinguish errors with {@link isMgmError}. Wire contract section 2.
 */
export class MgmError extends Error {
  override readonly name = 'MgmError';
  /** `MGM_` and the reason in capitals: `MGM_ALREADY_OWNED`. */
  readonly code: `MGM_${string}`;
  /** Stable and machine-readable: a reason of the wire contract, or one of {@link LOCAL_REASONS}. */
  readonly reason: MgmReason | (string & {});
  /** Whether the effect may have happened. */
  readonly outcome: Outcome;
  /** The Win32 code as the MGM documentation uses it: 87, 183, 1003 … */
  readonly status: number;
  /** The name of `status`: `ERROR_ALREADY_EXISTS`. */
  readonly error: string;
  /** Whether the same call may succeed later although nothing was changed. */
  readonly retryable: boolean;
  /** How long to wait before that, in ms, if the manager sent it. */
  declare readonly retryAfterMs: number | undefined;
  /** `bad-request`: the field that is wrong. */
  declare readonly field: string | undefined;
  /** `already-owned`: the present owner. */
  declare readonly holder: Holder | undefined;
  /** `not-owner`: the epoch in force, if the interface is owned. */
  declare readonly current: Epoch | undefined;
  /** `compacted`: the oldest revision that the log still has. */
  declare readonly first: Revision | undefined;
  declare readonly operation: OperationName | undefined;
  declare readonly router: string | undefined;
  declare readonly interface: InterfaceKey | undefined;

  constructor(message: string, fields: MgmErrorFields) {
    const { cause, reason, outcome, status = statusOf(reason), error, retryable, ...rest } = fields;
    super(message, cause === undefined ? undefined : { cause });
    this.code = `MGM_${reason.toUpperCase().replaceAll('-', '_')}`;
    this.reason = reason;
    this.outcome = outcome;
    this.status = status;
    this.error = error ?? statusName(status);
    this.retryable = retryable ?? false;
    for (const [name, value] of Object.entries(rest)) {
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
  }
}

const INVALID_PARAMETER: ReadonlySet<string> = new Set([
  'bad-request',
  'ssm-needs-source',
  'not-owner',
  'session-lost',
  'ownership-lost',
  'released',
]);

/** MGM's codes for the same faults: a dead handle is an invalid parameter, everything else could not be completed. */
function statusOf(reason: string): number {
  return INVALID_PARAMETER.has(reason)
    ? Status.ERROR_INVALID_PARAMETER
    : Status.ERROR_CAN_NOT_COMPLETE;
}

/**
 * Whether this is an error of the client library, with this reason if one is given. It compares `code`, so it also
 * recognises errors of another copy of the package.
 */
export function isMgmError<Wanted extends MgmReason>(
  value: unknown,
  reason?: Wanted,
): value is MgmError & { readonly reason: Wanted } {
  if (typeof value !== 'object' || value === null || !('code' in value)) return false;
  if (typeof value.code !== 'string' || !value.code.startsWith('MGM_')) return false;
  return reason === undefined || ('reason' in value && value.reason === reason);
}

/** Which request an error belongs to. */
export interface ErrorOrigin {
  readonly operation?: OperationName;
  readonly router?: string;
  readonly interface?: InterfaceKey;
}

/** The error for a refusal. A refused request was not executed, except that `indeterminate` means unknown. */
export function refusalError(
  refused: RefusalFields,
  origin: ErrorOrigin,
  outcome: Outcome = refused.reason === 'indeterminate' ? 'unknown' : 'not-done',
): MgmError {
  return new MgmError(refused.message || refused.reason, {
    ...origin,
    reason: refused.reason,
    outcome,
    status: refused.status,
    error: refused.error,
    retryable: refused.retryable,
    retryAfterMs: refused.retryAfterMs,
    field: refused.field,
    holder: refused.holder,
    current: refused.current,
    first: refused.first,
  });
}

/** A copy of the error with another outcome. */
export function withOutcome(error: MgmError, outcome: Outcome): MgmError {
  const { message, name, code, ...fields } = error;
  return new MgmError(message, { ...fields, outcome, cause: error.cause });
}

/** A copy of the error that names its request. */
export function withOrigin(error: MgmError, origin: ErrorOrigin): MgmError {
  const { message, name, code, ...fields } = error;
  return new MgmError(message, { ...fields, ...origin, cause: error.cause });
}

/** The error for an argument that was refused before a request was sent. */
export function badRequest(message: string, field: string, origin: ErrorOrigin = {}): MgmError {
  return new MgmError(message, { ...origin, reason: 'bad-request', outcome: 'not-done', field });
}

/** The error for a group of the SSM range that was given without a source. */
export function ssmNeedsSource(message: string, origin: ErrorOrigin): MgmError {
  return new MgmError(message, { ...origin, reason: 'ssm-needs-source', outcome: 'not-done' });
}

/** The error for a request that its schema refused before it was sent. */
export function wrongRequest(
  { refusal, message, field }: BadRequest,
  origin: ErrorOrigin,
): MgmError {
  if (refusal === 'ssmNeedsSource') return ssmNeedsSource(message, origin);
  return badRequest(message, field, origin);
}

/**
 * The error of a caller that gave up before anything was sent. `waited` says what took too long; `isContinued`: the session sends
 * the request nevertheless.
 */
export function gaveUp(
  reason: 'timeout' | 'aborted',
  origin: ErrorOrigin,
  { waited = 'did not get its turn in time', isContinued = false } = {},
): MgmError {
  const what = reason === 'aborted' ? 'was aborted by its caller' : waited;
  const then = isContinued ? 'the session continues it' : 'nothing was sent';
  return new MgmError(`\`${origin.operation}\` ${what}; ${then}`, {
    ...origin,
    reason,
    outcome: isContinued ? 'unknown' : 'not-done',
    retryable: reason === 'timeout',
  });
}

/** The error of a call that is one too many; the message says of what. */
export function overloaded(message: string, origin: ErrorOrigin): MgmError {
  const why = { reason: 'overloaded', outcome: 'not-done', retryable: true } as const;
  return new MgmError(message, { ...origin, ...why });
}
