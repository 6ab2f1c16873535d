import { actionsIn, type Action, type Allowed } from './actions.ts';
import type { Scope } from './machine.ts';
import { World } from './world.ts';

export interface SearchResult {
  readonly states: number;
  /** The shortest way to a broken invariant. */
  readonly violation: { readonly problem: string; readonly actions: readonly Action[] } | undefined;
}

/** How a state was reached first. */
interface Way {
  readonly from: Way | undefined;
  readonly by: Action;
}

/**
 * Visits every state that is reachable within the bounds, breadth first, and checks V1 to V4 and V6 in each. `withdrawnMax`:
 * states with more withdrawn memberships than this are not entered.
 */
export function search(scope: Scope, allowed: Allowed, withdrawnMax: number): SearchResult {
  const start = World.empty(scope);
  const seen = new Set([start.key()]);
  let frontier: { readonly world: World; readonly way: Way | undefined }[] = [
    { world: start, way: undefined },
  ];
  while (frontier.length > 0) {
    const next: typeof frontier = [];
    for (const { world: from, way } of frontier) {
      for (const by of actionsIn(from.model, allowed)) {
        const { world, problem } = from.after(by);
        if (problem !== undefined) {
          return { states: seen.size, violation: { problem, actions: [...actionsOf(way), by] } };
        }
        if (pendingIn(world) > withdrawnMax) continue;
        const key = world.key();
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ world, way: { from: way, by } });
      }
    }
    frontier = next;
  }
  return { states: seen.size, violation: undefined };
}

function pendingIn({ model }: World): number {
  return model.withdrawn.reduce((sum, all) => sum + all.length, 0);
}

function actionsOf(end: Way | undefined): readonly Action[] {
  const actions: Action[] = [];
  for (let way = end; way; way = way.from) actions.unshift(way.by);
  return actions;
}
