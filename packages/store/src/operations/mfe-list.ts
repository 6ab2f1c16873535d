import { wireMfe } from '../forwarding-messages.ts';
import { readMfeCursor, writeMfeCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const mfeList: StoreOperation<'mfe.list', 'mfe_list'> = {
  script: 'mfe_list',
  args: ({ after, cursor, limit }) => ({ after: after ?? readMfeCursor(cursor), limit }),
  reply: ({ reply, batch }) => ({
    status: 0,
    items: reply.items.map(wireMfe),
    ...(reply.after !== '' && { cursor: writeMfeCursor(reply.after) }),
    frev: batch.view.frev,
    log: batch.log,
  }),
};
