import type { FlowRef, Mgm, Session } from '../src/mod.ts';
import { pim } from './stage.ts';

/** A group with receivers on interface 3, and a source behind interface 1. */
export const [G, S] = ['239.1.1.1', '10.0.0.1'];

/** Two routing protocols of one router. */
export interface ForwardingScene {
  /** Owns interfaces 1 and 2; the route to 10.0.0.0/8 is over interface 1. */
  readonly owner: Session;
  /** Owns interfaces 3 and 4, and has a membership of {@link G} on 3. */
  readonly downstream: Session;
}

export async function forwardingScene(mgm: Mgm): Promise<ForwardingScene> {
  const owner = await mgm.registerProtocol(pim());
  const downstream = await mgm.registerProtocol(pim());
  await owner.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
  await downstream.takeInterfaces([{ ifIndex: 3 }, { ifIndex: 4 }]);
  await owner.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 1, neighbour: '10.9.9.9' }]);
  await downstream.addGroupMembershipEntry({ ifIndex: 3, group: G });
  return { owner, downstream };
}

/** A flow that arrives on interface 1. */
export function arriving(group: string, source: string | number): FlowRef {
  return { group, source, ifIndex: 1 };
}

/** As many flows of {@link G} as wanted, from different sources. */
export function manyFlows(count: number): FlowRef[] {
  return Array.from({ length: count }, (_, at) => arriving(G, `10.7.${at >> 8}.${at & 255}`));
}
