import { refusal, type BulkResult, type RefusalFields } from '@mgm/protocol';
import type { TakeOutcome, TakeScriptReply } from '../generated/arbiter.ts';
import { readHandle } from '../names.ts';
import { describeHolder, wireHolder } from './holders.ts';
import type { StoreOperation } from './operation.ts';
import { limitReached, changeRefused } from './refusals.ts';

export const take: StoreOperation<'take', 'take'> = {
  script: 'take',
  args: ({ handle, seq, ack, targets, held = [], localMembers }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    interfaces: targets,
    held: held.map(Number),
    advise: localMembers === 'advise',
  }),
  reply: ({ reply }, { bulk }) => {
    switch (reply.kind) {
      case 'granted':
        return resultsOf([{ status: 0, epoch: reply.epoch }], bulk);
      case 'taken':
        return { status: 0, results: reply.epochs.map((epoch) => ({ status: 0, epoch })) };
      case 'decided':
        return resultsOf(reply.results.map(resultOf), bulk);
      case 'held_back':
        return heldOff(reply);
      default:
        return changeRefused(reply);
    }
  },
};

/** The body of a `take` or `release`: one result per interface, or that of the only one if the request was not bulk. */
export function resultsOf(
  results: readonly BulkResult[],
  bulk: boolean,
): BulkResult | { readonly status: 0; readonly results: readonly BulkResult[] } {
  const [only] = results;
  return bulk || !only ? { status: 0, results } : only;
}

function resultOf(outcome: TakeOutcome): BulkResult {
  if (outcome.kind === 'taken') return { status: 0, epoch: outcome.epoch };
  if (outcome.kind === 'held_back') return heldOff(outcome);
  if (outcome.kind === 'not_permitted')
    return refusal('notPermitted', 'no rule of the caller permits this interface');
  if (outcome.kind === 'too_many_interfaces') {
    return limitReached('the session is on as many interfaces as it may be');
  }
  if (outcome.kind === 'quota_reached') {
    return limitReached('the caller is on as many interfaces of this router as its quota allows');
  }
  const holder = wireHolder(outcome.holder);
  if (outcome.kind === 'already_taken') {
    return refusal('alreadyTaken', 'this session holds it, through another request', { holder });
  }
  return refusal('alreadyOwned', `owned by ${describeHolder(outcome.holder)}`, { holder });
}

/** The hold-off after data loss: a former owner may still act on an ownership that the store has lost. */
function heldOff({ retryAfterMs }: { readonly retryAfterMs: number }): RefusalFields {
  const message = `the store lost data, so nothing new is granted for another ${retryAfterMs} ms`;
  return refusal('unavailable', message, { retryable: true, retryAfterMs });
}

/** How many interfaces of a take the hold-off refused. */
export function heldOffIn(reply: TakeScriptReply): number {
  if (reply.kind === 'held_back') return 1;
  if (reply.kind !== 'decided') return 0;
  return reply.results.filter(({ kind }) => kind === 'held_back').length;
}
