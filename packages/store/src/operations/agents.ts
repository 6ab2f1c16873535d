import { readAgentCursor, writeAgentCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const agents: StoreOperation<'agents', 'agents'> = {
  script: 'agents',
  args: ({ cursor, limit }) => ({ after: readAgentCursor(cursor), limit }),
  reply: ({ reply, batch }) => ({
    status: 0,
    items: reply.items,
    ...(reply.next > 0 && { cursor: writeAgentCursor(reply.next) }),
    frev: batch.view.frev,
    log: batch.log,
  }),
};
