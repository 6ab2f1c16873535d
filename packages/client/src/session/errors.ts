import type { InterfaceKey, OwnershipLostCallback } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import { keyText } from '../interfaces/key.ts';

/**
 * Why a session is over.
 *
 * - `deadline`: no keepalive was answered in time.
 * - `expired`: the manager says that the lease ran out.
 * - `evicted`: the manager says that somebody ended it by force.
 * - `refused`: the manager does not know the handle: evicted, taken over, or the store lost its memory.
 * - `deregistered`: ended by `deregister`, or by one whose outcome is unknown.
 * - `orphaned`: ended by `orphan`: the lease runs out by itself.
 * - `closed`: the client was closed.
 */
export type LossCause =
  'deadline' | 'expired' | 'evicted' | 'refused' | 'deregistered' | 'orphaned' | 'closed';

const TEXT: { readonly [Cause in LossCause]: string } = {
  deadline: 'the session was lost: no keepalive was answered before its deadline',
  expired: 'the session was lost: its lease ran out',
  evicted: 'the session was evicted',
  refused: 'the session was lost: the manager does not know it',
  deregistered: 'the session was deregistered',
  orphaned: 'the session was left to run out',
  closed: 'the client was closed',
};

export function sessionLost(cause: LossCause, detail = ''): MgmError {
  return new MgmError(detail ? `${TEXT[cause]} (${detail})` : TEXT[cause], {
    reason: 'session-lost',
    outcome: 'not-done',
  });
}

export function beingDeregistered(): MgmError {
  return new MgmError('the session is being deregistered', {
    reason: 'session-lost',
    outcome: 'not-done',
  });
}

/** Between two registrations: the same call may work in a moment. */
export function beingRecovered(): MgmError {
  return new MgmError('the session was lost and is being registered again', {
    reason: 'session-lost',
    outcome: 'not-done',
    retryable: true,
  });
}

export function givenBack(key: InterfaceKey): MgmError {
  return new MgmError(`interface ${keyText(key)} was given back`, {
    reason: 'released',
    outcome: 'not-done',
    interface: key,
  });
}

export function takenAgain(key: InterfaceKey): MgmError {
  return new MgmError(`interface ${keyText(key)} was taken again under another epoch`, {
    reason: 'ownership-lost',
    outcome: 'not-done',
    interface: key,
  });
}

export function takenAway({ ifIndex, nextHop, cause, why }: OwnershipLostCallback): MgmError {
  const key = { ifIndex, nextHop };
  const because = why ? `${cause}: ${why}` : cause;
  return new MgmError(`interface ${keyText(key)} was taken away (${because})`, {
    reason: 'ownership-lost',
    outcome: 'not-done',
    interface: key,
  });
}
