import type { Chance } from '../../support/chance.ts';

/** The prefixes that workers set routes of. The sources of flows are in some of them. */
const PREFIXES: readonly (readonly [network: string, length: number])[] = [
  ['192.0.2.0', 24],
  ['192.0.2.1', 32],
  ['10.0.0.0', 8],
];
/** The last source is in no prefix. */
const SOURCES = ['192.0.2.1', '192.0.2.2', '10.0.0.1', '203.0.113.1'];
const GROUPS = ['239.1.1.1', '239.1.1.2', '239.1.1.3'];
const FLOWS_MAX = 4;

/** A random change of the multicast view. */
export interface RoutePlan {
  readonly operation: 'rib.set' | 'rib.delete';
  readonly network: string;
  readonly length: number;
  readonly ifIndex: number;
}

/** Sets more often than it deletes: routes also disappear with their client. */
export function chooseRoute(chance: Chance, interfaces: readonly number[]): RoutePlan {
  const operation = chance.next() < 0.8 ? 'rib.set' : 'rib.delete';
  const [network, length] = chance.one(PREFIXES);
  return { operation, network, length, ifIndex: chance.one(interfaces) };
}

/** Different flows, as `flow.new` names them. */
export function chooseFlows(
  chance: Chance,
  interfaces: readonly number[],
): (readonly [group: string, source: string, ifIndex: number, nextHop: ''])[] {
  const chosen = new Map<string, readonly [string, string, number, '']>();
  for (let left = chance.between(1, FLOWS_MAX); left > 0; left--) {
    const [group, source] = [chance.one(GROUPS), chance.one(SOURCES)];
    chosen.set(`${group} ${source}`, [group, source, chance.one(interfaces), '']);
  }
  return [...chosen.values()];
}
