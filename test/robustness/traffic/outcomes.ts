import type { MgmError } from '@mgm/client';
import type { Hold } from '../check/interface-model.ts';
import type { Call, Told } from './history.ts';

interface Holding {
  readonly session: number;
  readonly epoch: string;
}

/** Whose something is, without what else a reply tells of them. */
export function holdOf({ session, epoch }: Holding): Hold {
  return { session, epoch };
}

/** An epoch that is not in force; where the interface is free, none is: `0`. */
export function outdated(current: string | undefined): Told {
  return { told: 'outdated', ...(current !== undefined && current !== '0' && { current }) };
}

/** What an error of the client library tells about the interface, if anything. */
export function outcomeOf(op: Call['op'], error: MgmError): Told {
  const { reason, outcome, holder, current } = error;
  if (outcome === 'unknown') return { told: 'unknown', reason };
  return refusalOf(op, { reason, holder, current });
}

/** What a refusal of a manager tells. */
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
