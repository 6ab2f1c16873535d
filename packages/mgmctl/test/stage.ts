import { connect, type Mgm, type Session } from '@mgm/client';
import {
  newRouterName,
  stageForAll,
  type Ended,
  type Stage,
  type TestProcess,
} from '@mgm/test-support';
import { onTerminal, run, start, type RunOptions } from './program.ts';

/** Protocol ids of two routing protocols, and of IGMP. */
export const [PIM, DVMRP, IGMP] = [103, 104, 10];

/** Servers and a manager for a test file, with routers on them. */
export interface MgmctlStage extends Pick<Stage, 'servers'> {
  /** A new router with a worker's client on it. Disposing closes the client and its sessions. */
  router(): Promise<Router>;
}

/** A router, a client on it, and `mgmctl` for it. */
export interface Router extends AsyncDisposable {
  readonly name: string;
  readonly mgm: Mgm;
  /** Registers; IGMP by its number, any other number is a routing protocol. */
  register(protocolId: number, name: string, options?: { graceMs?: number }): Promise<Session>;
  /** Runs `mgmctl` on this router to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts it, with pipes. */
  start(args: readonly string[], options?: RunOptions): TestProcess;
  /** Starts it on a terminal. */
  onTerminal(args: readonly string[], options?: RunOptions): TestProcess;
}

/** The name of the manager. */
export const MANAGER = 'mgm-1';

const TTL_MS = 60_000;

/** Starts servers and a manager before the first test of a file and ends them after its last. */
export function mgmctlStage(): MgmctlStage {
  const stage = stageForAll({ MGM_NAME: MANAGER });
  return {
    get servers() {
      return stage.servers;
    },
    router: () => router(stage.servers.nats.url),
  };
}

async function router(nats: string): Promise<Router> {
  const name = newRouterName();
  const mgm = await connect({ servers: nats, router: name });
  const env = { MGM_NATS_URL: nats, MGM_ROUTER: name };
  const here = (options: RunOptions = {}) => ({ ...options, env: { ...env, ...options.env } });
  let lastComponent = 0;
  return {
    name,
    mgm,
    register: (protocolId, clientName, options = {}) =>
      mgm.registerProtocol({
        protocolId,
        componentId: ++lastComponent,
        name: clientName,
        ttlMs: TTL_MS,
        ...options,
      }),
    run: (args, options) => run(args, here(options)),
    start: (args, options) => start(args, here(options)),
    onTerminal: (args, options) => onTerminal(args, here(options)),
    [Symbol.asyncDispose]: () => mgm.close(),
  };
}

/** The objects of an output, one per line. */
export function objects(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
