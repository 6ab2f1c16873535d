import { refusal, type BulkResult } from '@mgm/protocol';
import type { ReleaseOutcome } from '../generated/arbiter.ts';
import { readHandle } from '../names.ts';
import { otherEpoch, ownedByAnother } from './holders.ts';
import type { StoreOperation } from './operation.ts';
import { changeRefused } from './refusals.ts';
import { resultsOf } from './take.ts';

const RELEASED = { status: 0 } as const;

export const release: StoreOperation<'release', 'release'> = {
  script: 'release',
  args: ({ handle, seq, ack, targets, epoch = '' }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    interfaces: targets,
    epoch,
  }),
  reply: ({ reply }, { bulk, targets }) => {
    if (reply.kind === 'released') {
      return resultsOf(
        targets.map(() => RELEASED),
        bulk,
      );
    }
    if (reply.kind !== 'decided') return changeRefused(reply);
    return resultsOf(reply.results.map(resultOf), bulk);
  },
};

function resultOf(outcome: ReleaseOutcome): BulkResult {
  switch (outcome.kind) {
    case 'released':
      return RELEASED;
    case 'not_owner':
      return ownedByAnother(outcome.holder);
    case 'other_epoch':
      return otherEpoch(outcome.current);
    case 'unknown_interface':
      return refusal('unknownInterface', 'no client is on this interface');
  }
}
