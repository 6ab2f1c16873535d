import { prefixNamed, type RouteListing } from '@mgm/protocol';
import type { RouteItem } from '../generated/arbiter.ts';
import { nextHopOf } from '../names.ts';
import { readRouteCursor, writeRouteCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const ribList: StoreOperation<'rib.list', 'rib_list'> = {
  script: 'rib_list',
  args: ({ session = 0, cursor, limit }) => ({ session, ...readRouteCursor(cursor), limit }),
  reply: ({ reply, batch }) => ({
    status: 0,
    items: reply.items.map(routeListing),
    ...(reply.after !== '' && { cursor: writeRouteCursor(reply) }),
    rrev: batch.view.rrev,
    log: batch.log,
  }),
};

function routeListing(item: RouteItem): RouteListing {
  const { prefix, interface: via, neighbour, protocolId, preference, session, best } = item;
  const { network, length } = prefixNamed(prefix);
  const upstream = nextHopOf(neighbour);
  const { ifIndex, nextHop } = via;
  return [network, length, ifIndex, nextHop, upstream, protocolId, preference, session, best];
}
