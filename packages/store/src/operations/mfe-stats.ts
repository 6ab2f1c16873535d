import { refusal } from '@mgm/protocol';
import { mfeStatsOf } from '../forwarding-messages.ts';
import { readMfeCursor, writeMfeCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const mfeStats: StoreOperation<'mfe.stats', 'mfe_stats'> = {
  script: 'mfe_stats',
  args: ({ name = '', after, cursor, limit }) => ({
    name,
    after: after ?? readMfeCursor(cursor),
    limit,
  }),
  reply: ({ reply, batch }, { flags }) => {
    const { frev } = batch.view;
    switch (reply.kind) {
      case 'none':
        return refusal('notFound', 'there is no forwarding entry of this flow');
      case 'found':
        return { status: 0, stats: mfeStatsOf(reply.stats, flags), frev };
      case 'page':
        return {
          status: 0,
          items: reply.items.map((item) => mfeStatsOf(item, flags)),
          ...(reply.after !== '' && { cursor: writeMfeCursor(reply.after) }),
          frev,
          log: batch.log,
        };
    }
  },
};
