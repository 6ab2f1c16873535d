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
export function chooseFlows(chance: Chance, interfaces: readonly number[]): [Flow, ...Flow[]] {
  const first = chooseFlow(chance, interfaces);
  const chosen = new Map<string, Flow>();
  for (let left = chance.between(1, FLOWS_MAX) - 1; left > 0; left--) {
    const flow = chooseFlow(chance, interfaces);
    chosen.set(nameOf(flow), flow);
  }
  chosen.delete(nameOf(first));
  return [first, ...chosen.values()];
}

type Flow = readonly [group: string, source: string, ifIndex: number, nextHop: ''];

function chooseFlow(chance: Chance, interfaces: readonly number[]): Flow {
  return [chance.one(GROUPS), chance.one(SOURCES), chance.one(interfaces), ''];
}

function nameOf([group, source]: Flow): string {
  return `${group} ${source}`;
}
