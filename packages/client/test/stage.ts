import { newRouterName, stageForAll, type Stage } from '@mgm/test-support';
import { connect } from '../src/mod.ts';
import type { ConnectOptions, Mgm, ProtocolOptions, Session, SessionEvents } from '../src/mod.ts';

/** Protocol ids of a routing protocol, of another one, and of IGMP. */
export const [PIM, DVMRP, IGMP] = [103, 104, 10];

/** Servers and a manager for a test file, and clients of them. */
export interface ClientStage extends Stage {
  /** Connects a client of a router of its own, unless one is named. */
  client(options?: Partial<ConnectOptions>): Promise<Mgm>;
}

/** Starts servers and a manager before the first test of a file and ends them after its last. */
export function clientStage(): ClientStage {
  const stage = stageForAll();
  return {
    get servers() {
      return stage.servers;
    },
    get manager() {
      return stage.manager;
    },
    client: (options = {}) =>
      connect({ servers: stage.servers.nats.url, router: newRouterName(), ...options }),
  };
}

/** Resolves with the next event of this name. */
export async function next<Name extends keyof SessionEvents>(
  session: Session,
  name: Name,
): Promise<SessionEvents[Name]> {
  const { promise, resolve } = Promise.withResolvers<SessionEvents[Name]>();
  const off = session.on(name, resolve);
  return await promise.finally(off);
}

let lastComponent = 0;

/** Options of a routing protocol with a pair of ids of its own. */
export function pim(options: Partial<ProtocolOptions> = {}): ProtocolOptions {
  return { protocolId: PIM, componentId: ++lastComponent, ...options };
}

/** Options of an IGMP with a pair of ids of its own. */
export function igmp(options: Partial<ProtocolOptions> = {}): ProtocolOptions {
  return { protocolId: IGMP, componentId: ++lastComponent, ...options };
}
