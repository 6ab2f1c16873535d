import { refusal } from '@mgm/protocol';
import type { StoreOperation } from './operation.ts';

export const adminEndHoldoff: StoreOperation<'admin.end-holdoff', 'admin_end_holdoff'> = {
  script: 'admin_end_holdoff',
  args: ({ actor, why }) => ({ actor, why }),
  reply: ({ reply }) =>
    reply.kind === 'ended'
      ? { status: 0, leftMs: reply.leftMs }
      : refusal('notFound', 'no hold-off is in force'),
};
