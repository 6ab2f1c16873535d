import type { Figure } from './figures.ts';
import { forwarding } from './forwarding.ts';
import { identity } from './identity.ts';
import { keepalives } from './keepalives.ts';
import { longLoad } from './long-load.ts';
import { membership } from './membership.ts';
import { overload } from './overload.ts';
import { replicas } from './replicas.ts';
import type { Rig } from './rig.ts';
import { roundTrip } from './round-trip.ts';
import type { Size } from './size.ts';
import { steadyLoad } from './steady-load.ts';
import { sweep } from './sweep.ts';
import { tableSize } from './table-size.ts';
import { takes } from './takes.ts';

export interface Scenario {
  /** Its heading. */
  readonly title: string;
  readonly about: string;
  readonly run: (rig: Rig, size: Size) => Promise<Figure[]>;
}

/** All scenarios, in the order of the page. */
export const SCENARIOS = {
  takes: {
    title: 'Takes per second, side by side',
    about:
      'takes of free interfaces, 1024 in flight, compared with locks of Redis, NATS, etcd, ZooKeeper',
    run: takes,
  },
  'round-trip': {
    title: 'One at a time',
    about: 'a take after the other, compared with the two round trips that it is made of',
    run: roundTrip,
  },
  steady: {
    title: 'At half of the most',
    about: 'latencies at a given rate, from the moment at which each take was due',
    run: steadyLoad,
  },
  replicas: {
    title: 'More managers',
    about: 'one, two and four managers on the same load, and whose CPU time a take costs',
    run: replicas,
  },
  identity: {
    title: 'Identities and a policy',
    about: 'takes by managers that identify callers and check a policy of 1000 rules, and without',
    run: identity,
  },
  table: {
    title: 'Large routers',
    about: 'takes on routers that own little, much and very much, and what an interface weighs',
    run: tableSize,
  },
  keepalives: {
    title: 'Keepalives',
    about: 'many sessions keep their leases: CPU time of the manager and of Redis',
    run: keepalives,
  },
  sweep: {
    title: 'A session dies',
    about: 'how long until its interfaces are free, and what others notice',
    run: sweep,
  },
  membership: {
    title: 'Group memberships',
    about:
      'changes per second compared with sets of Redis and NATS KV, Redis time and memory, windows, restarts and ends',
    run: membership,
  },
  forwarding: {
    title: 'Forwarding entries',
    about: 'from a new flow to its pushed entry, changes that touch many entries, and large tables',
    run: forwarding,
  },
  load: {
    title: 'A long load',
    about: 'whether the manager grows',
    run: longLoad,
  },
  overload: {
    title: 'More than it can take',
    about: 'what a manager answers that has no room, and how soon it is as before',
    run: overload,
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

export const SCENARIO_NAMES = Object.keys(SCENARIOS).filter(isScenarioName);

export function isScenarioName(name: string): name is ScenarioName {
  return Object.hasOwn(SCENARIOS, name);
}
