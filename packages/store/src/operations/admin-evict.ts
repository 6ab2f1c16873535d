import { refusal } from '@mgm/protocol';
import type { StoreOperation } from './operation.ts';

export const adminEvict: StoreOperation<'admin.evict', 'admin_evict'> = {
  script: 'admin_evict',
  args: ({ session, actor, why }) => ({ session, actor, why }),
  reply: ({ reply }, { session }) =>
    reply.kind === 'evicted'
      ? { status: 0, released: reply.released }
      : refusal('notFound', `no session ${session}`),
};
