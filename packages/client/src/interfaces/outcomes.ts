import { MgmError, type ErrorOrigin } from '../errors.ts';
import { isReplacement, type InterfaceOperation, type Item, type ItemResult } from './requests.ts';

/** What an error says of the call that failed. */
export type CallOrigin = ErrorOrigin & { readonly operation: InterfaceOperation };

/** Refusals of a release that say that the session does not hold the interface, or is over. */
const NOT_HELD: ReadonlySet<string> = new Set([
  'not-owner',
  'not-found',
  'bad-handle',
  'session-expired',
]);

/** Refusals that leave open whether a deletion will be executed. */
const NOT_FINAL: ReadonlySet<string> = new Set(['indeterminate', 'stale-request', 'store-full']);

/** Operations whose effect the caller has already relied upon: they continue until a manager has confirmed them. */
export function isRemoval(operation: InterfaceOperation): boolean {
  return operation === 'release' || operation === 'member.delete';
}

/** Whether this result leaves nothing to find out or to undo. A take or an add that succeeded is certain only with a caller. */
export function isCertain(item: Item, result: ItemResult): boolean {
  const { operation, wasOnRecord, isRepeat = false } = item;
  const mustContinue = isRemoval(operation) || isRepeat;
  if (result.kind === 'done')
    return mustContinue || isReplacement(operation) || wasOnRecord === true;
  if (result.kind === 'unanswered') {
    if (result.error.reason === 'not-supported') return true;
    return !mustContinue && result.error.outcome === 'not-done';
  }
  const { reason, retryable } = result.refusal;
  if (operation === 'release') return NOT_HELD.has(reason);
  if (mustContinue) return !retryable && !NOT_FINAL.has(reason);
  return reason !== 'indeterminate';
}

export type Done = ItemResult & { readonly kind: 'done' };

/** A deletion that was executed before, or whose membership a window or the store has taken away. */
export function isRemoved({ operation, wasOnRecord }: Item, result: ItemResult): boolean {
  if (operation !== 'member.delete' || !wasOnRecord || result.kind !== 'refused') return false;
  return result.refusal.reason === 'no-membership';
}

/** The error of a caller that gave up before anything was sent. A removal is sent nevertheless. */
export function gaveUp(reason: 'timeout' | 'aborted', origin: CallOrigin): MgmError {
  const isContinued = isRemoval(origin.operation);
  const what = reason === 'aborted' ? 'was aborted by its caller' : 'did not get its turn in time';
  const then = isContinued ? 'the session continues it' : 'nothing was sent';
  return new MgmError(`\`${origin.operation}\` ${what}; ${then}`, {
    ...origin,
    reason,
    outcome: isContinued ? 'unknown' : 'not-done',
    retryable: reason === 'timeout',
  });
}

/** The error of a call whose session ended first. */
export function cutShort(reason: MgmError, origin: ErrorOrigin, wasSent: boolean): MgmError {
  return new MgmError(reason.message, {
    ...origin,
    reason: reason.reason,
    outcome: wasSent ? 'unknown' : 'not-done',
    retryable: reason.retryable,
    cause: reason.cause,
  });
}
