import { chooseServers } from '@mgm/devstack';
import { fileURLToPath } from 'node:url';
import { ProtocolId } from '@mgm/client';
import type { Chance } from '../support/chance.ts';
import { repeatMessages } from './faults/bus-faults.ts';
import type { Fault } from './faults/fault.ts';
import { olderManager } from './faults/older-manager.ts';
import { linkFaults } from './faults/link-faults.ts';
import { mailboxOverflow } from './faults/mailbox-overflow.ts';
import { processFaults } from './faults/process-faults.ts';
import { storeFaults } from './faults/store-faults.ts';
import type { Settings } from './settings.ts';
import { ManagerSlot } from './topology/manager-slot.ts';
import { startCluster } from './topology/cluster.ts';
import { linksToNats } from './topology/nats-links.ts';
import { olderVersion } from './topology/older-version.ts';
import { startSentinel } from './topology/sentinel.ts';
import { startSingle } from './topology/single.ts';
import type { Targets } from './faults/targets.ts';
import type { Servers, ServersOptions } from './topology/system.ts';
import { directConnection } from './direct.ts';
import { WorkerSlot, type WorkerPlan } from './traffic/worker-slot.ts';

const CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url));
const MANAGERS = 2;
/** Few enough that the workers contend for them. */
const INTERFACES = [1, 2, 3, 4, 5];
/** Shorter than the longest faults, so that leases expire, and longer than most. */
export const TTL_MS = 3_000;
const GRACE_MS = 2_000;

/** The servers, managers and workers of a run. Disposing ends all of them. */
export interface World extends Targets, AsyncDisposable {
  readonly faults: readonly Fault[];
}

const START: Readonly<Record<Settings['topology'], (options: ServersOptions) => Promise<Servers>>> =
  {
    single: startSingle,
    sentinel: startSentinel,
    cluster: startCluster,
  };

/** Starts servers and managers, and prepares the workers, which `start` starts. */
export async function startWorld(
  settings: Settings,
  folder: string,
  chance: Chance,
  say: (line: string) => void,
): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const choice = await chooseServers({ prefer: 'process', cacheDir: CACHE, onProgress: say });
  const { topology, durability } = settings;
  const root = settings.managers === undefined ? undefined : await olderVersion(settings.managers);
  const older = settings.older === undefined ? undefined : await olderVersion(settings.older);
  const servers = starting.use(await START[topology]({ choice, durability, say }));
  const managers = await Promise.all(
    Array.from({ length: MANAGERS }, (_, at) =>
      ManagerSlot.open(`manager-${at + 1}`, servers, root),
    ),
  );
  for (const manager of managers) starting.use(manager);
  await Promise.all(managers.map((manager) => manager.start()));
  const workers: WorkerSlot[] = [];
  for (const plan of plansFor(servers.routers, settings)) {
    const links = await linksToNats(servers, plan.name, 'worker-nats');
    for (const { proxy } of links) starting.use(proxy);
    workers.push(starting.use(new WorkerSlot(plan, links, folder, chance.between(1, 2 ** 30))));
  }
  const targets = { servers, managers, workers };
  const scope = starting.move();
  return {
    ...targets,
    faults: [
      ...processFaults(targets),
      ...linkFaults(targets),
      ...storeFaults(targets),
      ...mailboxOverflow(targets),
      repeatMessages(() => directConnection(servers)),
      ...servers.faults,
      ...(older === undefined ? [] : [olderManager(servers, older)]),
    ].filter(({ name }) => servers.without[name] === undefined),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Two routing protocols on the client library, one on the wire contract alone, IGMP, and a forwarder agent on each of both. */
function plansFor(routers: readonly string[], settings: Settings): WorkerPlan[] {
  return routers.flatMap((router) => plansOf(router, settings));
}

function plansOf(router: string, { pauseMs, older, managers }: Settings): WorkerPlan[] {
  // An older manager refuses a router with memberships or routes.
  const memberships = older === undefined && managers === undefined;
  const routes = memberships;
  const common = { router, pauseMs, memberships, routes, interfaces: INTERFACES, ttlMs: TTL_MS };
  const plan = (
    kind: WorkerPlan['kind'],
    name: string,
    protocolId: number,
    componentId: number,
    graceMs = 0,
  ): WorkerPlan => ({
    ...common,
    kind,
    name: `${router}-${name}`,
    protocolId,
    componentId,
    graceMs,
  });
  return [
    plan('library', 'pim-1', ProtocolId.PIM, 1, GRACE_MS),
    plan('library', 'dvmrp-1', ProtocolId.DVMRP, 1),
    plan('raw', 'raw-1', ProtocolId.PIM, 2, GRACE_MS),
    plan('library', 'igmp-1', ProtocolId.IGMP, 1),
    ...(routes
      ? [
          plan('agent', 'agent-1', ProtocolId.DVMRP, 100),
          plan('forwarder', 'forwarder-1', ProtocolId.DVMRP, 101),
        ]
      : []),
  ];
}
