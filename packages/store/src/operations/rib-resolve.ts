import { prefixNamed, refusal } from '@mgm/protocol';
import { nextHopOf } from '../names.ts';
import { wireHolder } from './holders.ts';
import type { StoreOperation } from './operation.ts';

export const ribResolve: StoreOperation<'rib.resolve', 'rib_resolve'> = {
  script: 'rib_resolve',
  args: ({ source }) => ({ source }),
  reply: ({ reply }) => {
    if (reply.kind === 'none') return refusal('notFound', 'there is no route to this source');
    const { prefix, interface: via, neighbour, protocolId, holder } = reply;
    return {
      status: 0,
      ...prefixNamed(prefix),
      ...via,
      neighbour: nextHopOf(neighbour),
      protocolId,
      ...(holder && { owner: wireHolder(holder) }),
    };
  },
};
