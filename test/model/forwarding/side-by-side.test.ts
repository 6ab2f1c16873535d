import { startRedis, type RunningServer } from '@mgm/devstack';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openManagers, type Managers } from '../manager.ts';
import { actionsIn, type Action, type Allowed } from '../membership/actions.ts';
import { fills, MAILBOX_MAX, type NamedEntry } from '../membership/side-by-side.ts';
import {
  ALERT_TYPES,
  NO_LIMITS,
  type GroupFilter,
  type Limits,
  type Pair,
} from '../membership/machine.ts';
import type { Flow } from './mfe-model.ts';
import { ForwardingSideBySide, type ForwardingAction, type WireScope } from './side-by-side.ts';

const { FC_RUNS = '15', FC_SEED, FC_PATH } = process.env;
const RUNS = Number(FC_RUNS);

const PAIRS: readonly Pair[] = [
  { name: 'PIM', isIgmp: false },
  { name: 'DVMRP', isIgmp: false },
  { name: 'IGMP', isIgmp: true },
];

const GROUP = '4ef010101';
const GROUP_V6 = `6ff0e${'0'.repeat(26)}01`;
const SOURCE_V6 = `20010db8${'0'.repeat(23)}1`;

/** In the order of listings. */
const ENTRIES: readonly NamedEntry[] = [
  { name: '(*,*)', stored: '4', wider: undefined, raises: true },
  { name: '(*,g)', stored: GROUP, wider: 0, raises: true, group: 1 },
  { name: '(s,g)', stored: `${GROUP}c0a80001`, wider: 1, raises: false, group: 1 },
  { name: '(*,g) of IPv6', stored: GROUP_V6, wider: undefined, raises: true, group: 2 },
];

/** Exclude lists of all sources of the flows, of some, and of none. */
const FILTERS: readonly GroupFilter[] = [
  { group: [1, 2], wanted: [1], exclude: ['0a000001', 'c0a80001', 'c0a80101'] },
  { group: [1, 2], wanted: [1], exclude: ['c0a80101'] },
  { group: [1, 2], wanted: [1] },
  { group: [1, 2], wanted: [2] },
  { group: [1, 2], wanted: [] },
  { group: [3], wanted: [3], exclude: [SOURCE_V6] },
];
const LIMITS: readonly Limits[] = [
  NO_LIMITS,
  { maxGroups: 0, maxEntries: 0, lite: true },
  { maxGroups: 1, maxEntries: 3, lite: false },
];
const MEMBERS = {
  interfaces: 4,
  entries: ENTRIES,
  filters: FILTERS,
  limits: LIMITS,
  mailboxMax: MAILBOX_MAX,
  entriesMax: Infinity,
};
const ALLOWED: Allowed = {
  pairs: PAIRS,
  igmpInterfaces: 4,
  routeInterfaces: 0,
  hasInheritance: true,
  hasEnds: true,
  hasAcknowledgements: true,
  hasStatics: true,
  hasAdvise: true,
};

const [WIDE, NARROW, OF_V6] = [0, 1, 2];
const SCOPE: WireScope = {
  networks: [
    ['192.168.0.0', 16],
    ['192.168.0.0', 24],
    ['2001:db8::', 32],
  ],
  prefixes: 3,
  memberPrefixes: [NARROW, WIDE],
  flows: [
    flow(GROUP, '0a000001', [0, 1], []),
    flow(GROUP, 'c0a80001', [0, 1, 2], [NARROW, WIDE]),
    flow(GROUP, 'c0a80101', [0, 1], [WIDE]),
    flow('4ef010102', 'c0a80001', [0], [NARROW, WIDE]),
    flow(GROUP_V6, SOURCE_V6, [3], [OF_V6]),
  ],
};

function flow(
  group: string,
  source: string,
  entries: readonly number[],
  prefixes: readonly number[],
): Flow {
  return { stored: `${group}${source}`, source, entries, prefixes };
}

/** Its source is in `WIDE` only. */
const WIDE_FLOW = 2;

/** What some history has in every run, so that it is compared at all. */
const OFTEN = [
  'set',
  'del timeout',
  'del route',
  'del iif-moved',
  'JOIN_FALSE created',
  'JOIN_FALSE member',
  'PRUNE_FALSE created',
  'PRUNE_FALSE member',
  'JOIN_FALSE forward',
  'JOIN_FALSE admin',
  'RESYNC',
];

/** The time-out of entries is 900 s: no sum of these is near it. */
const AGE_MS = 310_000;
/** A life that {@link AGE_MS} ends. */
const SHORT_MS = 100_000;
/** Grace times last an hour. */
const CLOCK_MAX_MS = 3_000_000;

let redis: RunningServer;
let managers: Managers;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
  managers = await openManagers(redis.url);
});
afterAll(async () => {
  await managers[Symbol.asyncDispose]();
  await redis.stop();
});

type Choices = readonly [kind: number, choice: number, extra: number];

/**
 * Numbers below which a choice is a change of memberships, of owners, of routes, new flows, time, overrides, sessions, what
 * operators set, mailboxes, or any action.
 */
const KINDS = [7, 9, 11, 15, 16, 20, 22, 24, 26, Infinity];

const CHANGES: ReadonlySet<Action['do']> = new Set(['add', 'delete', 'filter']);
const OWNING: ReadonlySet<Action['do']> = new Set(['take', 'release', 'advise']);
const OPERATING: ReadonlySet<Action['do']> = new Set(['configure', 'unconfigure', 'limit']);

function choose(both: ForwardingSideBySide, [kind, choice]: Choices): Action | ForwardingAction {
  const possible = [...actionsIn(both.base.model, ALLOWED)]
    .filter((one) => one.do !== 'route' && one.do !== 'list')
    .map(withCause(both, choice));
  const lists: readonly (readonly (Action | ForwardingAction)[])[] = [
    possible.filter((one) => CHANGES.has(one.do)),
    possible.filter((one) => OWNING.has(one.do)),
    [routeChange(both, choice)],
    [{ do: 'flows', flows: someFlows(choice) }],
    both.model.clock < CLOCK_MAX_MS ? [{ do: 'age', ms: AGE_MS }] : [],
    steering(both, choice),
    possible.filter((one) => one.do === 'resume' || one.do === 'register'),
    possible.filter((one) => OPERATING.has(one.do)),
    [...possible.filter((one) => one.do === 'acknowledge'), ...fills(both.base, choice)],
    possible.filter((one) => one.do !== 'stale' || both.model.clock < CLOCK_MAX_MS),
  ];
  const chosen = lists[KINDS.findIndex((below) => kind < below)] ?? [];
  const from = chosen.length > 0 ? chosen : possible;
  const action = from[choice % from.length];
  if (!action) throw new Error('nothing is possible');
  return action;
}

function routeChange(both: ForwardingSideBySide, choice: number): ForwardingAction {
  const prefix = choice % SCOPE.prefixes;
  const rest = Math.floor(choice / SCOPE.prefixes);
  if (both.model.routes[prefix] && rest % 4 === 0) return { do: 'rib', prefix, to: undefined };
  const on = rest % MEMBERS.interfaces;
  const neighbour = prefix === OF_V6 ? '' : ['', '10.0.0.1', '10.0.0.2'][rest % 3];
  return { do: 'rib', prefix, to: { on, neighbour: neighbour ?? '' } };
}

/** FORWARD, a JOIN that may undo a veto, or `mfe.set`, of a client that is there. */
function steering(both: ForwardingSideBySide, choice: number): ForwardingAction[] | Action[] {
  const { clients, scope } = both.base.model;
  const live = clients.filter(({ state }) => state === 'live');
  const client = live[choice % live.length]?.number;
  if (client === undefined) return [];
  const on = Math.floor(choice / 4) % scope.interfaces;
  const entry = Math.floor(choice / 16) % scope.entries.length;
  const kind = Math.floor(choice / 64) % 6;
  if (kind < 2) return [{ do: 'on', client, on, entry }];
  if (kind < 4) return [{ do: 'off', client, on, entry }];
  if (kind === 4)
    return both.base.model.holdOf(client, on) ? [{ do: 'add', client, on, entry }] : [];
  const flow = Math.floor(choice / 4) % SCOPE.flows.length;
  const change = choice % 2 === 0 ? { upstream: '10.0.0.7' } : { timeoutMs: SHORT_MS };
  return [{ do: 'set', client, flow, ...change }];
}

/** One to three, without repetition. */
function someFlows(choice: number): number[] {
  const first = choice % SCOPE.flows.length;
  const count = 1 + (choice % 3);
  return Array.from({ length: count }, (_, at) => (first + at) % SCOPE.flows.length);
}

/** Sessions end by an operator, or by themselves while they are live. */
function withCause(both: ForwardingSideBySide, choice: number): (action: Action) => Action {
  return (action) => {
    if (action.do !== 'end') return action;
    const isLive = both.base.model.client(action.client).state === 'live';
    return { ...action, cause: isLive && choice % 2 === 0 ? 'release' : 'evict' };
  };
}

/** A router in use: PIM owns the interface towards the sources, the others have interfaces and members. */
async function begin(both: ForwardingSideBySide): Promise<void> {
  for (const pair of PAIRS)
    await both.perform({ do: 'register', pair, alerts: ALERT_TYPES }, false);
  const [pim = 0, dvmrp = 0, igmp = 0] = both.base.model.clients.map(({ number }) => number);
  const holds = [
    [pim, 0],
    [pim, 1],
    [dvmrp, 2],
    [igmp, 2],
    [igmp, 3],
  ] as const;
  for (const [client, on] of holds) await both.perform({ do: 'take', client, on }, false);
  await both.perform({ do: 'rib', prefix: WIDE, to: { on: 0, neighbour: '' } }, false);
  await both.perform({ do: 'rib', prefix: OF_V6, to: { on: 3, neighbour: '' } }, false);
}

/**
 * What random histories seldom have: by another client than the owner of the entry FORWARD and a veto, exclude lists, `lite`,
 * `advise`, a static membership, and a FALSE alert for which there is no room in the mailbox.
 */
async function steerOnce(both: ForwardingSideBySide): Promise<void> {
  const [pim = 0, dvmrp = 0, igmp = 0] = both.base.model.clients.map(({ number }) => number);
  const [on, only] = [2, 3];
  const filter = (exclude: readonly string[]): Action => ({
    ...{ do: 'filter', client: dvmrp, on },
    filter: { group: [1, 2], wanted: [1], exclude },
  });
  const limits = (lite: boolean): Action => ({ do: 'limit', on, limits: { ...NO_LIMITS, lite } });
  const actions: readonly (Action | ForwardingAction)[] = [
    { do: 'flows', flows: [WIDE_FLOW] },
    { do: 'on', client: dvmrp, on, entry: 0 },
    { do: 'off', client: dvmrp, on, entry: 0 },
    filter(['c0a80101']),
    filter([]),
    filter(['c0a80101']),
    { do: 'fill', client: pim, room: 0 },
    filter([]),
    filter(['c0a80101']),
    { do: 'acknowledge', client: pim },
    limits(true),
    limits(false),
    { do: 'advise', client: dvmrp, on, advise: true },
    { do: 'add', client: igmp, on, entry: 1 },
    { do: 'configure', on: only, entry: 1 },
    { do: 'unconfigure', on: only, entry: 1 },
  ];
  for (const action of actions) {
    await both.perform(action, false);
    await both.look();
    if (action.do === 'limit') await both.settle();
  }
}

async function play(both: ForwardingSideBySide, choices: readonly Choices[]): Promise<void> {
  await begin(both);
  if (choices.length % 2 === 0) await steerOnce(both);
  for (const one of choices) {
    const [, , extra] = one;
    await both.perform(choose(both, one), extra % 4 === 0);
    await both.look();
    if (extra % 3 === 0) await both.base.look();
    if (extra % 5 === 0) await both.settle();
    both.base.model.forgetEnded();
  }
  for (const { number, state } of both.base.model.clients) {
    if (state === 'ended') continue;
    await both.perform({ do: 'end', client: number, cause: 'evict' }, false);
  }
  for (const [entry, configured] of both.base.model.statics.entries()) {
    for (const on of configured) await both.perform({ do: 'unconfigure', on, entry }, false);
  }
  for (const on of both.base.model.limits.keys()) {
    await both.perform({ do: 'limit', on, limits: NO_LIMITS }, false);
  }
  await both.endRoutes();
  await both.settle();
  for (let times = 0; times < 3; times++) await both.perform({ do: 'age', ms: AGE_MS }, false);
  await both.settle();
  expect(both.model.mfes.size).toBe(0);
  const logs = ['events', 'flog', 'meta', 'mlog', 'operator-log', 'schema 2'];
  expect((await both.base.keysLeft()).filter((key) => !logs.includes(key))).toEqual([]);
}

it(
  'a router agrees with the model of forwarding entries for random actions in random order',
  { timeout: 60_000 + RUNS * 5_000 },
  async () => {
    const counts = new Map<string, number>();
    const step = fc.tuple(fc.nat(26), fc.nat(10_000), fc.nat(11));
    const histories = fc.array(step, { minLength: 30, maxLength: 90, size: 'max' });
    const property = fc.asyncProperty(histories, async (choices) => {
      await managers.redis.flushall();
      const both = new ForwardingSideBySide(managers, MEMBERS, SCOPE);
      try {
        await play(both, choices);
        for (const one of both.seen) counts.set(one, (counts.get(one) ?? 0) + 1);
      } catch (error) {
        const story = both.base.story.slice(-60).join('\n');
        throw new Error(`${String(error)}\n${story}`, { cause: error });
      }
    });
    const seed = FC_SEED === undefined ? {} : { seed: Number(FC_SEED) };
    const path = FC_PATH === undefined ? {} : { path: FC_PATH };
    await fc.assert(property, {
      numRuns: RUNS,
      includeErrorInReport: true,
      endOnFailure: true,
      ...seed,
      ...path,
    });
    if (RUNS < 10) return;
    for (const one of OFTEN) expect(counts.get(one) ?? 0, one).toBeGreaterThan(0);
  },
);
