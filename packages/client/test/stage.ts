import {
  startManagerProcess,
  startServers,
  type ManagerProcess,
  type TestServers,
} from '@mgm/test-support';
import { afterAll, beforeAll } from 'vitest';
import { connect } from '../src/mod.ts';
import type { ConnectOptions, Mgm, ProtocolOptions, Session, SessionEvents } from '../src/mod.ts';

/** Protocol ids of a routing protocol, of another one, and of IGMP. */
export const [PIM, DVMRP, IGMP] = [103, 104, 10];

/** Servers and a manager for a test file, and clients that are closed with their test. */
export interface Stage {
  readonly servers: TestServers;
  readonly manager: ManagerProcess;
  /** A client of a router of its own, unless one is named. */
  client(options?: Partial<ConnectOptions>): Promise<Mgm>;
}

let lastRouter = 0;

/** A router name that no other test has. */
export function newRouter(): string {
  return `r${process.pid}-${++lastRouter}`;
}

/** For the top of a test file: everything is there before its first test and gone after its last. */
export function stageForAll(): Stage {
  let scope: AsyncDisposableStack | undefined;
  let servers: TestServers;
  let manager: ManagerProcess;
  beforeAll(async () => {
    await using starting = new AsyncDisposableStack();
    servers = starting.use(await startServers());
    manager = starting.use(await startManagerProcess(servers));
    scope = starting.move();
  });
  afterAll(async () => await scope?.disposeAsync());
  return {
    get servers() {
      return servers;
    },
    get manager() {
      return manager;
    },
    client: (options = {}) =>
      connect({ servers: servers.nats.url, router: newRouter(), ...options }),
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

/** Options of a protocol that nobody else is registered as. */
export function pim(options: Partial<ProtocolOptions> = {}): ProtocolOptions {
  return { protocolId: PIM, componentId: ++lastComponent, ...options };
}

/** Options of an IGMP that nobody else is registered as. */
export function igmp(options: Partial<ProtocolOptions> = {}): ProtocolOptions {
  return { protocolId: IGMP, componentId: ++lastComponent, ...options };
}
