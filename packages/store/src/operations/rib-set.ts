import { interfaceName, readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { prefixArgs, routeReply } from './route-change.ts';

export const ribSet: StoreOperation<'rib.set', 'rib_set'> = {
  script: 'rib_set',
  args: ({ handle, seq, ack, routes }) => ({
    handle: readHandle(handle),
    seq,
    ack,
    ...prefixArgs(routes),
    via: routes.map(({ via }) => interfaceName(via)),
    neighbours: routes.map(({ neighbour }) => neighbour),
    protocols: routes.map(({ protocolId }) => protocolId),
    preferences: routes.map(({ preference }) => preference),
  }),
  reply: ({ reply }) => routeReply(reply),
};
