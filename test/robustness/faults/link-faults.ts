import type { Chance } from '../../support/chance.ts';
import type { Link } from '../topology/system.ts';
import type { Fault } from './fault.ts';
import type { Targets } from './targets.ts';

/** The faults of a link. Held bytes arrive late when it heals; a loss is followed by a cut. */
const WAYS: Readonly<Record<string, (link: Link, chance: Chance) => unknown>> = {
  delay: ({ proxy }, chance) => proxy.latencyMs(chance.between(5, 150)),
  hold: ({ proxy }) => proxy.blackhole(),
  'half-open': ({ proxy }, chance) => proxy.blackhole(chance.one(['to-server', 'to-client'])),
  'lose-replies': ({ proxy }) => proxy.dropReplies(),
  cut: ({ proxy }) => proxy.reset(),
  refuse: ({ proxy }) => proxy.refuse(),
};

/** Faults of each kind of link, on one link or on all of that kind. */
export function linkFaults({ managers, workers }: Targets): Fault[] {
  const links = [...managers.flatMap((one) => one.links), ...workers.flatMap((one) => one.links)];
  const kinds = [...new Set(links.map(({ kind }) => kind))];
  return kinds.flatMap((kind) => {
    const ofKind = links.filter((one) => one.kind === kind);
    return Object.keys(WAYS).map((way) => linkFault(kind, way, ofKind));
  });
}

function linkFault(kind: Link['kind'], way: string, links: readonly Link[]): Fault {
  return {
    name: `${kind}-${way}`,
    inject: async (chance) => {
      // A client uses one of several servers, and may have been redirected to it past its proxies.
      const used = links.filter(({ proxy }) => proxy.connections > 0);
      if (used.length === 0) return undefined;
      const chosen = chance.next() < 0.2 ? used : [chance.one(used)];
      for (const link of chosen) await WAYS[way]?.(link, chance);
      return {
        what: chosen.length > 1 ? `all ${chosen.length}` : (chosen[0]?.name ?? ''),
        heal: async () => void (await Promise.all(chosen.map((link) => heal(link, way)))),
      };
    },
  };
}

/** Held bytes of one direction cannot arrive after later ones of the other, so such connections are cut. */
async function heal({ proxy }: Link, way: string): Promise<void> {
  if (way === 'half-open') proxy.reset();
  await proxy.heal();
}
