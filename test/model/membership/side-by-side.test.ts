import { startRedis, type RunningServer } from '@mgm/devstack';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openManagers, type Managers } from '../manager.ts';
import { actionsIn, type Action, type Allowed } from './actions.ts';
import { NO_LIMITS, type GroupFilter, type Limits, type Pair } from './machine.ts';
import { fills, MAILBOX_MAX, SideBySide, type NamedEntry } from './side-by-side.ts';

const { FC_RUNS = '60', FC_SEED, FC_PATH } = process.env;
const RUNS = Number(FC_RUNS);

const PAIRS: readonly Pair[] = [
  { name: 'PIM', isIgmp: false },
  { name: 'DVMRP', isIgmp: false },
  { name: 'MOSPF', isIgmp: false },
  { name: 'IGMP', isIgmp: true },
];

/** In the order of listings. */
const ENTRIES: readonly NamedEntry[] = [
  { name: '(*,*)', stored: '4', wider: undefined, raises: true },
  { name: '(*,g)', stored: '4e0000001', wider: 0, raises: true, group: 1 },
  { name: '(s,g)', stored: '4e0000001c0a80001', wider: 1, raises: false, group: 1 },
  { name: '(*,h)', stored: '4e1020304', wider: 0, raises: true, group: 2 },
  { name: '(*,*) of IPv6', stored: '6', wider: undefined, raises: true },
  {
    name: '(*,g) of IPv6',
    stored: `6ff02${'0'.repeat(26)}01`,
    wider: 4,
    raises: true,
    group: 3,
  },
];

/** Filters of two groups of IPv4 and one of IPv6. */
const FILTERS: readonly GroupFilter[] = [
  { group: [1, 2], wanted: [1] },
  { group: [1, 2], wanted: [1], exclude: ['c0a80001', 'c0a80002'] },
  { group: [1, 2], wanted: [2] },
  { group: [1, 2], wanted: [] },
  { group: [3], wanted: [3] },
  { group: [5], wanted: [5], exclude: [`20010db8${'0'.repeat(23)}1`] },
  { group: [5], wanted: [] },
];

const LIMITS: readonly Limits[] = [
  NO_LIMITS,
  { maxGroups: 1, maxEntries: 0, lite: false },
  { maxGroups: 2, maxEntries: 3, lite: true },
];

const SCOPE = {
  interfaces: 3,
  entries: ENTRIES,
  filters: FILTERS,
  limits: LIMITS,
  mailboxMax: MAILBOX_MAX,
  entriesMax: Infinity,
};
const ALLOWED: Allowed = {
  pairs: PAIRS,
  igmpInterfaces: 3,
  routeInterfaces: 2,
  hasInheritance: true,
  hasEnds: true,
  hasAcknowledgements: true,
  hasStatics: true,
  hasAdvise: true,
};

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

/** Numbers below which a choice is a change of memberships, of owners, of the route, of a mailbox, or any action. */
const KINDS = [6, 8, 9, 10, Infinity];

const OWNING: ReadonlySet<Action['do']> = new Set(['take', 'release', 'advise']);

const CHANGES: ReadonlySet<Action['do']> = new Set(['add', 'delete', 'filter']);

/** Chooses one of the possible actions, memberships more often than sessions. */
function choose(both: SideBySide, kind: number, choice: number): Action | undefined {
  const possible = [...actionsIn(both.model, ALLOWED)].map(withCause(both, choice));
  const changes = possible.filter(({ do: what }) => CHANGES.has(what));
  const owning = possible.filter((one) => OWNING.has(one.do));
  const routes = possible.filter((one) => one.do === 'route');
  const mail = [...possible.filter((one) => one.do === 'acknowledge'), ...fills(both, choice)];
  const at = KINDS.findIndex((below) => kind < below);
  const chosen = [changes, owning, routes, mail, possible][at] ?? possible;
  const from = chosen.length > 0 ? chosen : possible;
  return from[choice % from.length];
}

/** Sessions end by an operator, or by themselves while they are live. */
function withCause(both: SideBySide, choice: number): (action: Action) => Action {
  return (action) => {
    if (action.do !== 'end') return action;
    const isLive = both.model.client(action.client).state === 'live';
    return { ...action, cause: isLive && choice % 2 === 0 ? 'release' : 'evict' };
  };
}

async function play(both: SideBySide, choices: readonly (readonly number[])[]): Promise<void> {
  for (const [kind = 0, choice = 0, extra = 0] of choices) {
    const action = choose(both, kind, choice);
    if (action) await both.perform(action, extra % 4 === 0);
    if (extra % 3 === 0) await both.look();
    both.model.forgetEnded();
  }
  for (const { number, state } of both.model.clients) {
    // A forced deregistration needs a live session; a session in its grace time can only be evicted.
    if (state !== 'ended') await both.perform({ do: 'end', client: number, cause: 'evict' }, false);
  }
  for (const [entry, configured] of both.model.statics.entries()) {
    for (const on of configured) await both.perform({ do: 'unconfigure', on, entry }, false);
  }
  for (const on of both.model.limits.keys()) {
    await both.perform({ do: 'limit', on, limits: NO_LIMITS }, false);
  }
  await both.endRoutes();
  await both.settle();
  const left = await both.keysLeft();
  const logs = ['events', 'meta', 'mlog', 'operator-log', 'schema 2'];
  expect(left.filter((key) => !logs.includes(key))).toEqual([]);
  expect(left).toContain('schema 2');
}

it(
  'a router agrees with the model of memberships for random actions in random order',
  { timeout: 60_000 + RUNS * 3_000 },
  async () => {
    const step = fc.tuple(fc.nat(11), fc.nat(10_000), fc.nat(11));
    const histories = fc.array(step, { minLength: 30, maxLength: 90, size: 'max' });
    const property = fc.asyncProperty(histories, async (choices) => {
      await managers.redis.flushall();
      const both = new SideBySide(managers, SCOPE);
      try {
        await play(both, choices);
      } catch (error) {
        const story = both.story.slice(-60).join('\n');
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
  },
);
