import { epochOf, refusal } from '@mgm/protocol';
import { describeInterface } from '../names.ts';
import { otherEpoch } from './holders.ts';
import type { StoreOperation } from './operation.ts';

export const validate: StoreOperation<'validate', 'validate'> = {
  script: 'validate',
  args: ({ ifIndex, nextHop, epoch }) => ({ interface: { ifIndex, nextHop }, epoch }),
  reply: ({ reply }, request) => {
    if (reply.kind === 'current') return { status: 0, current: reply.current };
    if (reply.kind === 'free') {
      const current = epochOf(0);
      return refusal('notOwner', `no client owns ${describeInterface(request)}`, { current });
    }
    return otherEpoch(reply.current);
  },
};
