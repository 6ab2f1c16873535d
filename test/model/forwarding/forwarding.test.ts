import { describe, expect, it } from 'vitest';
import {
  actionsIn,
  after,
  foreignOf,
  initial,
  isPending,
  oifsOf,
  type Action,
  type State,
  type Wrong,
} from './machine.ts';

/** Which invariant of the forwarding contract, section 14, a state breaks; or that its owner cannot know that data is needed. */
function brokenInvariant(state: State): string | undefined {
  const { interfaces, mfe, heard, hasHeard } = state;
  const oifs = oifsOf(state);
  const released = oifs.find((on) => !interfaces[on]?.isHeld);
  if (released !== undefined) return `W3: interface ${released} was released and is an OIF`;
  if (mfe === undefined || isPending(state)) return undefined;
  const isForeign = foreignOf(state).length > 0;
  if (isForeign && !(hasHeard && heard === 'JOIN')) {
    return 'W2: the owner does not know of the foreign OIFs';
  }
  if (mfe.foreignAlerted !== isForeign) return 'W2: foreignAlerted is wrong';
  return mfe.pushed.join() === oifs.join() ? undefined : 'W3: the last push has other OIFs';
}

/** The owner pulls data that no OIF needs. */
function leaks(state: State): boolean {
  const isNegative = state.mfe !== undefined && oifsOf(state).length === 0;
  return isNegative && !isPending(state) && state.heard === 'JOIN';
}

interface Found {
  readonly states: number;
  readonly problem: string | undefined;
  /** The shortest way there. */
  readonly actions: readonly Action[];
}

/** Visits every reachable state, breadth first, up to one that `problemOf` objects to. */
function search(
  start: State,
  problemOf: (state: State) => string | undefined,
  wrong?: Wrong,
): Found {
  const seen = new Set([JSON.stringify(start)]);
  let frontier: { readonly state: State; readonly actions: readonly Action[] }[] = [
    { state: start, actions: [] },
  ];
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { state, actions } of frontier) {
      for (const action of actionsIn(state)) {
        const reached = after(state, action, wrong);
        const way = [...actions, action];
        const problem = problemOf(reached);
        if (problem !== undefined) return { states: seen.size, problem, actions: way };
        const key = JSON.stringify(reached);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ state: reached, actions: way });
      }
    }
    frontier = next;
  }
  return { states: seen.size, problem: undefined, actions: [] };
}

describe('one MFE, in every state within the bounds', () => {
  it('keeps W2 and W3 with one interface of its owner and one of another client', () => {
    const { states, problem } = search(initial(1, 1), brokenInvariant);
    expect(problem).toBeUndefined();
    expect(states).toBeGreaterThan(1_000);
  });

  it('keeps W2 and W3 with two interfaces of another client', () => {
    const { problem } = search(initial(0, 2), brokenInvariant);
    expect(problem).toBeUndefined();
  });

  it('makes its owner pull what no client needs only after an incarnation expired', () => {
    const problemOf = (state: State) => (leaks(state) && !state.hasExpired ? 'a leak' : undefined);
    expect(search(initial(1, 1), problemOf).problem).toBeUndefined();
    const leak = search(initial(1, 1), (state) => (leaks(state) ? 'a leak' : undefined));
    expect(leak.actions.map((one) => one.do)).toContain('expire');
  });
});

describe('the search finds a wrong rule', () => {
  it('by which FALSE alerts follow the whole list of OIFs', () => {
    const { problem, actions } = search(initial(1, 1), brokenInvariant, 'whole-list');
    expect(problem).toMatch(/^W2: /);
    expect(actions.length).toBeLessThanOrEqual(4);
  });

  it('by which an override ends with its hold unnoticed', () => {
    const { problem, actions } = search(initial(1, 1), brokenInvariant, 'override-unnoticed');
    expect(problem).toMatch(/^W[23]: /);
    expect(actions.at(-1)).toMatchObject({ do: 'release' });
  });
});
