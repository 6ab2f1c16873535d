import type { MgmError } from '@mgm/client';
import type { Hold } from '../check/interface-model.ts';
import type { Call, Told } from './history.ts';

interface Holding {
  readonly session: number;
  readonly epoch: string;
}

/** The session and epoch of a holder, without the other fields. */
export function holdOf({ session, epoch }: Holding): Hold {
  return { session, epoch };
}

/** The outcome for an epoch that is not in force; `0` means that the interface is free. */
export function outdated(current: string | undefined): Told {
  return { told: 'outdated', ...(current !== undefined && current !== '0' && { current }) };
}

/** The outcome of an error of the client library. */
export function outcomeOf(op: Call['op'], error: MgmError): Told {
  const { reason, outcome, holder, current } = error;
  if (outcome === 'unknown') return { told: 'unknown', reason };
  return refusalOf(op, { reason, holder, current });
}

/** The outcome of a refusal by a manager. */
export function refusalOf(
  op: Call['op'],
  {
    reason,
    holder,
    current,
  }: { reason: string; holder?: Holding | undefined; current?: string | undefined },
): Told {
  if (reason === 'indeterminate') return { told: 'unknown', reason };
  if (op === 'take' && reason === 'already-owned' && holder) {
    return { told: 'already-owned', holder: holdOf(holder) };
  }
  if (op === 'take' && reason === 'already-taken') return { told: 'already-taken' };
  if (op === 'release' && reason === 'not-owner') return { told: 'not-owner' };
  if (op === 'release' && reason === 'not-found') return { told: 'not-found' };
  if (op === 'validate' && reason === 'not-owner') {
    return outdated(current);
  }
  const asksWho = op === 'owner' || op === 'admin-release';
  if (asksWho && reason === 'not-found') return { told: 'free' };
  return { told: 'refused', reason };
}
