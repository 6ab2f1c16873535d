import { badRequest, type ErrorPlace, type MgmError } from './errors.ts';

/** Limits of one call. */
export interface CallOptions {
  /** Gives the call up: it rejects with {@link MgmError} `aborted` at once. */
  readonly signal?: AbortSignal | undefined;
  /** How long one attempt waits for its answer before the next: 1 to 3600000 ms. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
  /** How long the whole call may take: 1 to 3600000 ms. Default: that of the client. */
  readonly deadlineMs?: number | undefined;
}

/** Both limits, whole. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

const LONGEST_MS = 3_600_000;

/** The limits of a call. Throws {@link MgmError} `bad-request` for one that is out of range. */
export function checkedLimits(
  options: CallOptions,
  defaults: CallLimits,
  placeOf: () => ErrorPlace = () => ({}),
): CallLimits {
  const { timeoutMs = defaults.timeoutMs, deadlineMs = defaults.deadlineMs } = options;
  if (!isInRange(timeoutMs)) throw outOfRange('timeoutMs', placeOf());
  if (!isInRange(deadlineMs)) throw outOfRange('deadlineMs', placeOf());
  return { timeoutMs, deadlineMs };
}

function isInRange(ms: number): boolean {
  return ms >= 1 && ms <= LONGEST_MS;
}

function outOfRange(field: string, place: ErrorPlace): MgmError {
  return badRequest(`${field}: must be 1 to ${LONGEST_MS} ms`, field, place);
}
