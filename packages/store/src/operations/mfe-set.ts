import { refusal } from '@mgm/protocol';
import { readHandle } from '../names.ts';
import { otherEpoch, ownedByAnother } from './holders.ts';
import type { StoreOperation } from './operation.ts';
import { changeRefused } from './refusals.ts';

const NO_OWNER = refusal('notOwner', 'the forwarding entry has no incoming interface, so no owner');

export const mfeSet: StoreOperation<'mfe.set', 'mfe_set'> = {
  script: 'mfe_set',
  args: ({ handle, seq, ack, name, upstream, timeoutMs = 0, incarnation = 0, epoch = '' }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    name,
    upstream: upstream ?? '',
    isGiven: upstream !== undefined,
    timeout: timeoutMs,
    incarnation,
    epoch,
  }),
  reply: ({ reply }) => {
    switch (reply.kind) {
      case 'set':
        return { status: 0, frev: reply.frev };
      case 'no_mfe':
        return refusal('notFound', 'there is no forwarding entry of this flow');
      case 'other_incarnation':
        return refusal('notFound', `the present incarnation is ${reply.current}`);
      case 'not_owner':
        return reply.holder ? ownedByAnother(reply.holder) : NO_OWNER;
      case 'other_epoch':
        return otherEpoch(reply.current);
      default:
        return changeRefused(reply);
    }
  },
};
