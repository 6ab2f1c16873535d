import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionsIn, type Action, type Allowed } from './actions.ts';
import { NO_LIMITS, type Entry, type Pair, type Scope } from './machine.ts';
import { search } from './search.ts';
import { World } from './world.ts';

const PIM: Pair = { name: 'PIM', isIgmp: false };
const DVMRP: Pair = { name: 'DVMRP', isIgmp: false };
const MOSPF: Pair = { name: 'MOSPF', isIgmp: false };
const IGMP: Pair = { name: 'IGMP', isIgmp: true };
const OTHER_IGMP: Pair = { name: 'IGMP-2', isIgmp: true };

const ALL_GROUPS: Entry = { name: '(*,*)', wider: undefined, raises: true };
const GROUP: Entry = { name: '(*,g)', wider: 0, raises: true };
const SOURCE: Entry = { name: '(s,g)', wider: undefined, raises: false };
const COVERED_SOURCE: Entry = { ...SOURCE, wider: 1 };
const IPV6_GROUP: Entry = { name: '(*,g) of IPv6', wider: undefined, raises: true };

/** `MGM_SEARCH=full` searches the larger bounds, for about a minute. */
const { MGM_SEARCH, FC_RUNS = '200', FC_SEED } = process.env;
const IS_FULL = MGM_SEARCH === 'full';
const SEARCH_TIMEOUT = { timeout: 600_000 };

const SCOPE: Scope = {
  interfaces: 2,
  entries: [ALL_GROUPS, GROUP],
  mailboxMax: Infinity,
  entriesMax: Infinity,
};
const OWNERSHIP: Allowed = {
  pairs: [PIM, DVMRP, IGMP],
  igmpInterfaces: 2,
  routeInterfaces: 0,
  hasInheritance: false,
  hasEnds: false,
  hasAcknowledgements: false,
};

describe('every state within the bounds', SEARCH_TIMEOUT, () => {
  it('keeps V1 to V6 with two entries on two interfaces', () => {
    const allowed = { ...OWNERSHIP, igmpInterfaces: IS_FULL ? 2 : 1 };
    const { states, violation } = search(SCOPE, allowed, 1);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(15_000);
  });

  it('keeps V1 to V6 with two withdrawn memberships and IGMP on both interfaces', () => {
    const { states, violation } = search({ ...SCOPE, entries: [ALL_GROUPS] }, OWNERSHIP, 2);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(20_000);
  });

  it('keeps V1 to V6 through grace times, inheritance and ends of sessions', () => {
    const scope = { ...SCOPE, interfaces: IS_FULL ? 2 : 1, entries: [ALL_GROUPS] };
    const allowed = { ...OWNERSHIP, hasInheritance: true, hasEnds: true };
    const { states, violation } = search(scope, allowed, IS_FULL ? 1 : 4);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(4_000);
  });

  it('keeps V1 to V6 when mailboxes overflow and clients follow RESYNC', () => {
    const entries = IS_FULL ? SCOPE.entries : [ALL_GROUPS];
    const scope = { ...SCOPE, interfaces: 1, entries, mailboxMax: 1 };
    const { states, violation } = search(scope, { ...OWNERSHIP, hasAcknowledgements: true }, 1);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(5_000);
  });

  it('keeps V1 to V6 while owners begin and end to advise', () => {
    const scope = { ...SCOPE, interfaces: IS_FULL ? 2 : 1, entries: [ALL_GROUPS] };
    const { states, violation } = search(scope, { ...OWNERSHIP, hasAdvise: true }, 2);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(400);
  });
});

describe('every state of one (s,g) within the bounds', SEARCH_TIMEOUT, () => {
  const scope = { ...SCOPE, entries: [SOURCE] };
  const allowed = { ...OWNERSHIP, routeInterfaces: 2, igmpInterfaces: IS_FULL ? 2 : 1 };

  it('keeps W1 and V2 while the route and the owners of its interface change', () => {
    const { states, violation } = search(scope, allowed, IS_FULL ? 2 : 1);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(10_000);
  });

  it('keeps W1 and V2 through grace times, inheritance and ends of sessions', () => {
    const one = { ...allowed, hasInheritance: true, hasEnds: true, pairs: [PIM, DVMRP] };
    const { states, violation } = search(scope, one, IS_FULL ? 2 : 1);
    expect(violation).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  });

  it.each(['silent-move', 'listed-owner'] as const)('finds the wrong rule %s', (wrong) => {
    const { violation } = search({ ...scope, wrong }, allowed, 1);
    expect(violation?.problem).toMatch(/^(W1|V2): /);
    expect(violation?.actions.length).toBeLessThanOrEqual(8);
  });
});

describe('the search finds a wrong rule', SEARCH_TIMEOUT, () => {
  it('that merges a purge with the request that triggered it', () => {
    const { violation } = search({ ...SCOPE, wrong: 'merged-purge' }, OWNERSHIP, 1);
    expect(violation?.problem).toMatch(/^V1: /);
    expect(violation?.actions.at(-1)).toMatchObject({ do: 'add' });
  });

  it('that raises alerts by counting clients', () => {
    const { violation } = search({ ...SCOPE, wrong: 'counts' }, OWNERSHIP, 1);
    expect(violation?.problem).toMatch(/^V1: /);
    expect(violation?.actions.at(-1)).toMatchObject({ do: 'add' });
  });

  it('by which alerts go on after a RESYNC', () => {
    const scope = { ...SCOPE, interfaces: 1, entries: [ALL_GROUPS], mailboxMax: 1 } as const;
    const allowed = { ...OWNERSHIP, hasAcknowledgements: true };
    const { violation } = search({ ...scope, wrong: 'unmuted' }, allowed, 1);
    expect(violation?.problem).toMatch(/^V6: /);
  });

  it("by which IGMP's memberships count for an owner that advises", () => {
    const scope = { ...SCOPE, entries: [ALL_GROUPS], wrong: 'advised-counts' } as const;
    const { violation } = search(scope, { ...OWNERSHIP, hasAdvise: true }, 1);
    expect(violation?.problem).toMatch(/^V3: /);
    expect(violation?.actions).toContainEqual(expect.objectContaining({ advise: true }));
  });
});

/** More of everything, with bounds that are reached. */
const LARGE: Scope = {
  interfaces: 3,
  entries: [
    ALL_GROUPS,
    { ...GROUP, group: 1 },
    { ...GROUP, name: '(*,h)', group: 2 },
    { ...COVERED_SOURCE, group: 1 },
    { ...IPV6_GROUP, group: 3 },
  ],
  filters: [
    { group: [1, 3], wanted: [1] },
    { group: [1, 3], wanted: [1], exclude: ['s'] },
    { group: [1, 3], wanted: [3] },
    { group: [1, 3], wanted: [] },
  ],
  limits: [
    NO_LIMITS,
    { maxGroups: 1, maxEntries: 0, lite: false },
    { maxGroups: 0, maxEntries: 2, lite: false },
  ],
  mailboxMax: 6,
  entriesMax: 4,
};
const EVERYTHING: Allowed = {
  pairs: [PIM, DVMRP, MOSPF, IGMP, OTHER_IGMP],
  igmpInterfaces: 3,
  routeInterfaces: 2,
  hasInheritance: true,
  hasEnds: true,
  hasAcknowledgements: true,
  hasStatics: true,
  hasAdvise: true,
};

/** Plays a history; each number chooses one of the possible actions. Returns the broken invariant with the actions so far. */
function play(choices: readonly number[], scope: Scope): string | undefined {
  let world = World.empty(scope);
  const actions: Action[] = [];
  const perform = (action: Action): string | undefined => {
    actions.push(action);
    const next = world.after(action);
    world = next.world;
    return next.problem && [next.problem, ...actions.map((one) => JSON.stringify(one))].join('\n');
  };
  for (const choice of choices) {
    const possible = [...actionsIn(world.model, EVERYTHING)];
    const action = possible[choice % possible.length];
    const problem = action && perform(action);
    if (problem !== undefined) return problem;
  }
  return finish(world, perform);
}

/** V6: without memberships and unsettled entries nothing is left of clients that ended. */
function finish(world: World, perform: (action: Action) => string | undefined): string | undefined {
  const { clients, scope, statics } = world.model;
  const ends = clients
    .filter(({ state }) => state !== 'ended')
    .map(({ number }): Action => ({ do: 'end', client: number, cause: 'evict' }));
  const removals = statics.flatMap((configured, entry) =>
    configured.map((on): Action => ({ do: 'unconfigure', on, entry })),
  );
  const rest = scope.entries.flatMap((_, entry): Action[] => [
    { do: 'purge', entry },
    { do: 'review', entry },
  ]);
  return [...ends, ...removals, ...rest].map(perform).find((problem) => problem !== undefined);
}

describe('random histories', SEARCH_TIMEOUT, () => {
  const histories = fc.array(fc.nat(10_000), { minLength: 40, maxLength: 160, size: 'max' });
  const options = {
    numRuns: Number(FC_RUNS),
    includeErrorInReport: true,
    ...(FC_SEED === undefined ? {} : { seed: Number(FC_SEED) }),
  };

  it('keep V1 to V6', () => {
    const property = fc.property(histories, (choices) => {
      expect(play(choices, LARGE)).toBeUndefined();
    });
    fc.assert(property, options);
  });

  it.each(['merged-purge', 'counts', 'advised-counts', 'active-static', 'unmuted'] as const)(
    'find the wrong rule %s',
    (wrong) => {
      const property = fc.property(histories, (choices) => {
        expect(play(choices, { ...LARGE, wrong })).toBeUndefined();
      });
      expect(fc.check(property, { ...options, seed: 1 }).failed).toBe(true);
    },
  );
});
