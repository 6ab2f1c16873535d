import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { prefixArgs, routeReply } from './route-change.ts';

export const ribDelete: StoreOperation<'rib.delete', 'rib_delete'> = {
  script: 'rib_delete',
  args: ({ handle, seq, ack, routes }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    ...prefixArgs(routes),
  }),
  reply: ({ reply }) => routeReply(reply),
};
