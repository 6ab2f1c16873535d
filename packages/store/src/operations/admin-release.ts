import { refusal } from '@mgm/protocol';
import { describeInterface } from '../names.ts';
import { otherEpoch, wireHolder } from './holders.ts';
import type { StoreOperation } from './operation.ts';
import { NOT_PERMITTED } from './refusals.ts';

export const adminRelease: StoreOperation<'admin.release', 'admin_release'> = {
  script: 'admin_release',
  args: ({ ifIndex, nextHop, epoch = '', actor, why }) => ({
    interface: { ifIndex, nextHop },
    epoch,
    actor,
    why,
  }),
  reply: ({ reply }, request) => {
    if (reply.kind === 'released') return { status: 0, previous: wireHolder(reply.previous) };
    if (reply.kind === 'not_permitted') return NOT_PERMITTED;
    if (reply.kind === 'free') {
      return refusal('notFound', `no client owns ${describeInterface(request)}`);
    }
    return otherEpoch(reply.current);
  },
};
