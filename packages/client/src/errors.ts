import { Status, statusName } from '@mgm/protocol';
import type {
  Epoch,
  Holder,
  InterfaceKey,
  OperationName,
  Reason,
  RefusalFields,
  Revision,
} from '@mgm/protocol';
import { absentLeftOut } from './rpc/absent.ts';

/**
 * Reasons that no manager sends, because they arise in the client.
 *
 * - `timeout`: no answer within the call's deadline.
 * - `aborted`: the caller's `AbortSignal` fired first.
 * - `closed`: the client was closed.
 * - `session-lost`: the session is over, so that nothing was sent, or the answer came too late to count.
 * - `ownership-lost`: this ownership was lost while its session lives on (`message` says why).
 * - `released`: this ownership was given back by its own holder.
 * - `not-permitted`: the NATS server refuses this user the subject, or the login.
 * - `bad-reply`: the answer is not what the wire contract says.
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
] as const;
export type LocalReason = (typeof LOCAL_REASONS)[number];

/** Every reason this version knows. A newer manager may send others. */
export type MgmReason = Reason | LocalReason;

/**
 * Whether the effect may have happened. `not-done`: it has not and will not. `unknown`: it may have, for a moment at
 * least; behave as though you do not own the interface, and as though you might.
 */
export type Outcome = 'not-done' | 'unknown';

/** What an {@link MgmError} tells besides its text. */
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
 * A refusal of the manager, or a call without an answer. `code` and the fields are API and stable, the text is for
 * people. Tell errors apart by {@link isMgmError}. Wire contract section 2.
 */
export class MgmError extends Error {
  override readonly name = 'MgmError';
  /** `MGM_` and the reason in capitals: `MGM_ALREADY_OWNED`. */
  readonly code: `MGM_${string}`;
  /** Stable and machine-readable: of the wire contract, or one of {@link LOCAL_REASONS}. */
  readonly reason: MgmReason | (string & {});
  /** Whether the effect may have happened. */
  readonly outcome: Outcome;
  /** The Win32 code, as the MGM documentation has it: 87, 183, 1003 … */
  readonly status: number;
  /** The name of `status`: `ERROR_ALREADY_EXISTS`. */
  readonly error: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** How long to wait before that, in ms, where the manager said so. */
  declare readonly retryAfterMs: number | undefined;
  /** `bad-request`: the field that is wrong. */
  declare readonly field: string | undefined;
  /** `already-owned`: who has it. */
  declare readonly holder: Holder | undefined;
  /** `not-owner`: the epoch in force, where there is one. */
  declare readonly current: Epoch | undefined;
  /** `compacted`: the oldest revision still to be had. */
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
    Object.assign(this, absentLeftOut(rest));
  }
}

/** In a process MGM would have called these the same: a dead handle is a wrong parameter, the rest could not be done. */
function statusOf(reason: string): number {
  const isParameter =
    reason === 'bad-request' || reason === 'session-lost' || reason === 'not-owner';
  return isParameter || reason === 'ownership-lost' || reason === 'released'
    ? Status.ERROR_INVALID_PARAMETER
    : Status.ERROR_CAN_NOT_COMPLETE;
}

/**
 * Whether this is an error of the client library, and of this reason where one is given. Goes by `code`, so it also
 * recognises the error of another copy of the package.
 */
export function isMgmError<Wanted extends MgmReason>(
  value: unknown,
  reason?: Wanted,
): value is MgmError & { readonly reason: Wanted } {
  if (typeof value !== 'object' || value === null || !('code' in value)) return false;
  if (typeof value.code !== 'string' || !value.code.startsWith('MGM_')) return false;
  return reason === undefined || ('reason' in value && value.reason === reason);
}

/** Where an error happened. */
export interface ErrorPlace {
  readonly operation?: OperationName;
  readonly router?: string;
  readonly interface?: InterfaceKey;
}

/** The error for a refusal. Refused means not done, except where the manager itself does not know. */
export function refusalError(
  refused: RefusalFields,
  place: ErrorPlace,
  outcome: Outcome = refused.reason === 'indeterminate' ? 'unknown' : 'not-done',
): MgmError {
  return new MgmError(refused.message || refused.reason, {
    ...place,
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

/** The same error, but for what may have happened. */
export function withOutcome(error: MgmError, outcome: Outcome): MgmError {
  const { message, name, code, ...fields } = error;
  return new MgmError(message, { ...fields, outcome, cause: error.cause });
}

/** The same error, saying where it happened. */
export function placedAt(error: MgmError, place: ErrorPlace): MgmError {
  const { message, name, code, ...fields } = error;
  return new MgmError(message, { ...fields, ...place, cause: error.cause });
}

/** The error for an argument that was refused before anything was sent. */
export function badRequest(message: string, field: string, place: ErrorPlace = {}): MgmError {
  return new MgmError(message, { ...place, reason: 'bad-request', outcome: 'not-done', field });
}
