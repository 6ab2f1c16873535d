import { readCursor, writeCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const sessions: StoreOperation<'sessions', 'sessions'> = {
  script: 'sessions',
  args: ({ cursor, limit }) => ({ after: readCursor(cursor).client, limit }),
  reply: ({ reply }) => ({
    status: 0,
    items: reply.items.map(({ stale, ...item }) => ({ ...item, state: stale ? 'stale' : 'live' })),
    ...(reply.next > 0 && {
      cursor: writeCursor({ client: reply.next, began: 0, score: 0, last: '' }),
    }),
  }),
};
