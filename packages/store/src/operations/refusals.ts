import { refusal, type RefusalFields } from '@mgm/protocol';
import type { SequenceRefusal, SessionRefusal } from '../generated/arbiter.ts';

/** Redis refuses what would need more memory. */
export const STORE_FULL = refusal('storeFull', 'Redis is out of memory');

/** The policy denies it. Managers add the rule to the message. */
export const NOT_PERMITTED = refusal('notPermitted', 'no rule of the caller permits it');

const LIMIT_RETRY_MS = 1000;

/** A configured limit is reached: the operator raises it, or clients give something back. */
export function limitReached(message: string): RefusalFields {
  return refusal('overloaded', message, { retryable: true, retryAfterMs: LIMIT_RETRY_MS });
}

/** The session, or its identity, acknowledges too few of its replies. */
const WINDOW_FULL = limitReached(
  'the replies kept for this session, or for all sessions of the caller, are too large: acknowledge some',
);

/** The handle names no live session. */
export function sessionRefused(reply: SessionRefusal): RefusalFields {
  if (reply.kind === 'bad_handle') return refusal('badHandle', 'no session has this handle');
  return refusal('sessionExpired', `session ${reply.session} is over: register again`);
}

/** Why a request that changes state was not executed: its handle or its `seq` is wrong, or there is no room. */
type ChangeRefusal =
  | SessionRefusal
  | SequenceRefusal
  | { readonly kind: 'store_full' }
  | { readonly kind: 'window_full' };

/** The refusal of a request that changes state, as far as it does not depend on the operation. */
export function changeRefused(reply: ChangeRefusal): RefusalFields {
  switch (reply.kind) {
    case 'store_full':
      return STORE_FULL;
    case 'window_full':
      return WINDOW_FULL;
    case 'stale_request':
      return refusal('staleRequest', `every seq below ${reply.ack} is finished or abandoned`);
    case 'seq_too_high':
      return refusal('badRequest', `seq: must be at most ${reply.highest} now`, { field: 'seq' });
    case 'seq_reused':
      return refusal('badRequest', `seq: was used for a ${reply.operation} before`, {
        field: 'seq',
      });
    default:
      return sessionRefused(reply);
  }
}
