import { badRequest, type ErrorOrigin, type MgmError } from './errors.ts';

/** Limits of one call. */
export interface CallOptions {
  /** Aborts the call: it rejects immediately with {@link MgmError} `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** The longest wait for a reply before the request is repeated: 1 to 3600000 ms. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
  /** How long the whole call may take: 1 to 3600000 ms. Default: that of the client. */
  readonly deadlineMs?: number | undefined;
}

/** Both limits, with defaults applied. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

/** The longest limit of a call. */
export const LONGEST_MS = 3_600_000;

/** Applies the defaults. Throws {@link MgmError} `bad-request` for a limit out of range. */
export function checkedLimits(
  options: CallOptions,
  defaults: CallLimits,
  origin: () => ErrorOrigin = () => ({}),
): CallLimits {
  const { timeoutMs = defaults.timeoutMs, deadlineMs = defaults.deadlineMs } = options;
  if (!isInRange(timeoutMs)) throw outOfRange('timeoutMs', origin());
  if (!isInRange(deadlineMs)) throw outOfRange('deadlineMs', origin());
  return { timeoutMs, deadlineMs };
}

function isInRange(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 1 && ms <= LONGEST_MS;
}

function outOfRange(field: string, origin: ErrorOrigin): MgmError {
  return badRequest(`${field}: must be 1 to ${LONGEST_MS} ms`, field, origin);
}

/** The fields whose value is not `undefined`. */
export type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Leaves out fields that are `undefined`: neither the wire nor `exactOptionalPropertyTypes` treats those as absent. */
export function omitUndefined<Fields extends object>(fields: Fields): Present<Fields> {
  const present: Present<Fields> = {};
  for (const name in fields) {
    const value = fields[name];
    if (isPresent(value)) present[name] = value;
  }
  return present;
}

function isPresent<Value>(value: Value): value is Exclude<Value, undefined> {
  return value !== undefined;
}

/** Fields of one log line, named as on the wire. Never a handle or a password. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * The log of the client; a `pino` logger fits. Levels: `error` a person must act, `warn` trouble that heals by itself,
 * `info` the life of sessions, `debug` each decision.
 */
export interface Logger {
  /** A person must act. */
  error(fields: LogFields, message: string): void;
  /** Trouble that heals by itself. */
  warn(fields: LogFields, message: string): void;
  /** The life of sessions. */
  info(fields: LogFields, message: string): void;
  /** Each decision. */
  debug(fields: LogFields, message: string): void;
  /** Each message. */
  trace(fields: LogFields, message: string): void;
}

const nothing = (): void => {};

/** The default logger: discards everything. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
};
