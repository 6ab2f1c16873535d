import { programmedUpTo, reportedMfe } from '../forwarding-messages.ts';
import { readMfeCursor, writeMfeCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const mfeList: StoreOperation<'mfe.list', 'mfe_list'> = {
  script: 'mfe_list',
  args: ({ after, cursor, limit }) => ({ after: after ?? readMfeCursor(cursor), limit }),
  reply: ({ reply, batch }) => {
    const failed = new Map(reply.failed.map(({ name, by }) => [name, by]));
    return {
      status: 0,
      items: reply.items.map((mfe) => reportedMfe(mfe, failed.get(mfe.name))),
      ...(reply.after !== '' && { cursor: writeMfeCursor(reply.after) }),
      frev: batch.view.frev,
      ...programmedUpTo(reply.programmed),
      log: batch.log,
    };
  },
};
