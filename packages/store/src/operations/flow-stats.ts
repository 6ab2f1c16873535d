import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused, STORE_FULL } from './refusals.ts';

export const flowStats: StoreOperation<'flow.stats', 'flow_stats'> = {
  script: 'flow_stats',
  args: ({ handle, items }) => {
    const oifs = items.flatMap((item) => item.oifs);
    return {
      handle: readHandle(handle),
      names: items.map(({ name }) => name),
      incarnations: items.map(({ incarnation }) => incarnation),
      counters: items.flatMap(({ counters }) => counters),
      oifCounts: items.map((item) => item.oifs.length),
      interfaces: oifs.map((oif) => oif.interface),
      oifCounters: oifs.flatMap(({ counters }) => counters),
    };
  },
  reply: ({ reply }) => {
    if (reply.kind === 'store_full') return STORE_FULL;
    if (reply.kind !== 'counted') return sessionRefused(reply);
    return { status: 0, count: reply.count };
  },
};
