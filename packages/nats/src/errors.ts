import { ErrorCode, type Msg, NatsError } from 'nats';

/**
 * What went wrong with NATS.
 *
 * - `unreachable`: no server answers, or the connection broke. Waiting may help.
 * - `login-refused`: the server refuses the user, password, token or credentials.
 * - `unreadable-credentials`: the credentials of the options cannot be read; nothing was sent.
 * - `misconfigured`: an option is wrong or does not fit the server, such as TLS that it does not offer.
 * - `too-large`: a message exceeds the server's `max_payload`.
 * - `closed`: the connection was closed or is draining.
 */
export type NatsFaultKind =
  | 'unreachable'
  | 'login-refused'
  | 'unreadable-credentials'
  | 'misconfigured'
  | 'too-large'
  | 'closed';

export interface NatsFault {
  readonly kind: NatsFaultKind;
  /** For people, without addresses or secrets. */
  readonly reason: string;
}

function fault(kind: NatsFaultKind, reason: string): NatsFault {
  return { kind, reason };
}

/** By the code of the `nats` package or, where the operating system failed the call, by its code. */
const KNOWN: ReadonlyMap<string, NatsFault> = new Map([
  [ErrorCode.ConnectionRefused, fault('unreachable', 'connection refused')],
  ['ECONNREFUSED', fault('unreachable', 'connection refused')],
  ['ECONNRESET', fault('unreachable', 'connection reset')],
  [ErrorCode.Timeout, fault('unreachable', 'no answer in time')],
  ['ETIMEDOUT', fault('unreachable', 'no answer in time')],
  ['ENOTFOUND', fault('unreachable', 'host not found')],
  ['EAI_AGAIN', fault('unreachable', 'host not found')],
  [ErrorCode.Disconnect, fault('unreachable', 'connection lost')],
  [ErrorCode.ConnectionClosed, fault('closed', 'connection closed')],
  [ErrorCode.ConnectionDraining, fault('closed', 'connection draining')],
  [ErrorCode.AuthorizationViolation, fault('login-refused', 'user, password or token refused')],
  [ErrorCode.AuthenticationTimeout, fault('unreachable', 'authentication took too long')],
  [ErrorCode.AuthenticationExpired, fault('login-refused', 'the credentials expired')],
  [ErrorCode.AccountExpired, fault('login-refused', 'the account expired')],
  [ErrorCode.BadAuthentication, fault('login-refused', 'the credentials cannot be used')],
  [ErrorCode.BadCreds, fault('unreadable-credentials', 'the credentials cannot be read')],
  [ErrorCode.ServerOptionNotAvailable, fault('misconfigured', 'the server offers no TLS')],
  [ErrorCode.MaxPayloadExceeded, fault('too-large', 'larger than the max_payload of the server')],
]);

/** Codes whose message is more precise than a fixed text. */
const MISCONFIGURED: ReadonlySet<string> = new Set([ErrorCode.InvalidOption, ErrorCode.Tls]);

/** Classifies an error of the `nats` package. This file is the only one that looks into such errors. */
export function natsFault(error: unknown): NatsFault {
  if (error === undefined || error === null)
    return fault('unreachable', 'the server ended the connection');
  if (!(error instanceof Error)) return fault('unreachable', 'connection failed');
  const code = 'code' in error ? String(error.code) : '';
  const kind = MISCONFIGURED.has(code) ? 'misconfigured' : 'unreachable';
  return KNOWN.get(code) ?? fault(kind, error.message);
}

/** Classifies the bare code that a connection reports in its `status()`; `undefined` for an unknown code. */
export function natsFaultByCode(code: string): NatsFault | undefined {
  return KNOWN.get(code);
}

const NO_RESPONDERS = 503;

/** Whether this is the reply of the NATS server itself to a request on a subject without subscribers. */
export function isNoResponders({ data, headers }: Pick<Msg, 'data' | 'headers'>): boolean {
  return data.length === 0 && headers?.code === NO_RESPONDERS;
}

/** Whether a request failed because its subject has no subscribers. */
export function isNoRespondersError(error: unknown): boolean {
  return error instanceof NatsError && error.code === ErrorCode.NoResponders;
}
