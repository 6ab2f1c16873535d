import { refusal } from '@mgm/protocol';
import type { StoreOperation } from './operation.ts';
import { NOT_PERMITTED } from './refusals.ts';

export const adminEndHoldoff: StoreOperation<'admin.end-holdoff', 'admin_end_holdoff'> = {
  script: 'admin_end_holdoff',
  args: ({ actor, why }) => ({ actor, why }),
  reply: ({ reply }) => {
    if (reply.kind === 'ended') return { status: 0, leftMs: reply.leftMs };
    if (reply.kind === 'not_permitted') return NOT_PERMITTED;
    return refusal('notFound', 'no hold-off is in force');
  },
};
