/** Why NATS cannot be reached or refuses something. `refused`: it answers, and a person must change a setting. */
export interface NatsTrouble {
  readonly kind: 'unreachable' | 'refused';
  readonly reason: string;
}

/** By the code of the NATS client or, where the operating system said no, by its code. */
const KNOWN: ReadonlyMap<string, NatsTrouble> = new Map([
  ['CONNECTION_REFUSED', { kind: 'unreachable', reason: 'connection refused' }],
  ['ECONNREFUSED', { kind: 'unreachable', reason: 'connection refused' }],
  ['ECONNRESET', { kind: 'unreachable', reason: 'connection reset' }],
  ['TIMEOUT', { kind: 'unreachable', reason: 'no answer in time' }],
  ['ETIMEDOUT', { kind: 'unreachable', reason: 'no answer in time' }],
  ['ENOTFOUND', { kind: 'unreachable', reason: 'host not found' }],
  ['EAI_AGAIN', { kind: 'unreachable', reason: 'host not found' }],
  ['DISCONNECT', { kind: 'unreachable', reason: 'connection lost' }],
  ['CONNECTION_CLOSED', { kind: 'unreachable', reason: 'connection closed' }],
  ['AUTHORIZATION_VIOLATION', { kind: 'refused', reason: 'user, password or token refused' }],
  ['AUTHENTICATION_TIMEOUT', { kind: 'refused', reason: 'authentication took too long' }],
  ['AUTHENTICATION_EXPIRED', { kind: 'refused', reason: 'the credentials expired' }],
  ['ACCOUNT_EXPIRED', { kind: 'refused', reason: 'the account expired' }],
  ['SERVER_OPT_NA', { kind: 'refused', reason: 'the server offers no TLS' }],
]);

/** What an error of the NATS client means. The only place that looks into one. */
export function natsTrouble(error: unknown): NatsTrouble {
  if (error === undefined)
    return { kind: 'unreachable', reason: 'the server ended the connection' };
  if (!(error instanceof Error)) return { kind: 'unreachable', reason: 'connection failed' };
  const known = 'code' in error ? KNOWN.get(String(error.code)) : undefined;
  return known ?? { kind: 'unreachable', reason: error.message };
}

/** The same for the bare codes that the NATS client reports while it is connected or reconnects. */
export function natsTroubleByCode(code: string): NatsTrouble {
  return KNOWN.get(code) ?? { kind: 'refused', reason: code };
}
