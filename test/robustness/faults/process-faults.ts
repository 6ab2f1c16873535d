import type { Chance } from '../../support/chance.ts';
import type { Fault } from './fault.ts';
import type { Targets } from './targets.ts';

/** The leases of a run are 3 s. */
const LONGER_THAN_A_LEASE_MS = [4_000, 9_000] as const;

/** A process that can be killed and paused. */
interface Breakable {
  readonly name: string;
  kill(): Promise<void>;
  start(): void | Promise<void>;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}

/** SIGKILL and a new start, SIGSTOP and SIGCONT, of every kind of process; and an orderly restart of a manager. */
export function processFaults({ servers, managers, workers }: Targets): Fault[] {
  const ofServers = (list: Targets['servers']['nats']): Breakable[] =>
    list.map(({ name, server }) => ({
      name,
      kill: () => server.kill(),
      start: () => server.start(),
      pause: () => server.pause(),
      resume: () => server.resume(),
    }));
  const groups: Readonly<Record<string, readonly Breakable[]>> = {
    manager: managers,
    worker: workers,
    nats: ofServers(servers.nats),
    redis: ofServers(servers.redis),
    sentinel: ofServers(servers.others),
  };
  return [
    ...Object.entries(groups).flatMap(([kind, group]) =>
      group.length > 0 ? [killOf(kind, group), stopOf(kind, group)] : [],
    ),
    allManagersKilled(managers),
    managerRestarted(managers),
  ];
}

function killOf(kind: string, group: readonly Breakable[]): Fault {
  return {
    name: `${kind}-kill`,
    inject: async (chance) => {
      const one = chance.one(group);
      await one.kill();
      return { what: one.name, heal: async () => one.start() };
    },
  };
}

function stopOf(kind: string, group: readonly Breakable[]): Fault {
  return {
    name: `${kind}-stop`,
    ...(kind === 'manager' && { longMs: LONGER_THAN_A_LEASE_MS }),
    inject: async (chance) => {
      const one = chance.one(group);
      await one.pause();
      return { what: one.name, heal: async () => one.resume() };
    },
  };
}

function allManagersKilled(managers: Targets['managers']): Fault {
  return {
    name: 'managers-kill',
    inject: async () => {
      await Promise.all(managers.map((one) => one.kill()));
      return {
        what: `all ${managers.length}`,
        heal: async () => void (await Promise.all(managers.map((one) => one.start()))),
      };
    },
  };
}

function managerRestarted(managers: Targets['managers']): Fault {
  return {
    name: 'manager-restart',
    inject: async (chance: Chance) => {
      const one = chance.one(managers);
      await one.stop();
      return { what: one.name, heal: () => one.start() };
    },
  };
}
