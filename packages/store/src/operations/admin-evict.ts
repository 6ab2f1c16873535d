import { refusal } from '@mgm/protocol';
import type { StoreOperation } from './operation.ts';
import { NOT_PERMITTED } from './refusals.ts';

export const adminEvict: StoreOperation<'admin.evict', 'admin_evict'> = {
  script: 'admin_evict',
  args: ({ session, actor, why }) => ({ session, actor, why }),
  reply: ({ reply }, { session }) => {
    if (reply.kind === 'evicted') return { status: 0, released: reply.released };
    if (reply.kind === 'not_permitted') return NOT_PERMITTED;
    return refusal('notFound', `no session ${session}`);
  },
};
