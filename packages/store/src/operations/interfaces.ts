import { readCursor, writeCursor } from './cursor.ts';
import { wireHolder } from './holders.ts';
import type { StoreOperation } from './operation.ts';

export const interfaces: StoreOperation<'interfaces', 'interfaces'> = {
  script: 'interfaces',
  args: ({ cursor, limit, session = 0, protocolId = -1 }) => ({
    ...readCursor(cursor),
    limit,
    session,
    protocol: protocolId,
  }),
  reply: ({ reply, batch }) => ({
    status: 0,
    items: reply.items.map((item) => ({ ...item.interface, ...wireHolder(item.holder) })),
    ...(reply.client > 0 && { cursor: writeCursor(reply) }),
    log: batch.log,
  }),
};
