import type { Finding } from './evidence.ts';

/** A key of a router in the store, and how long it is still kept; -1: for ever. */
export interface LeftKey {
  readonly key: string;
  readonly keptForMs: number;
}

/** What a router may leave when everybody has left: its log, what it has one of, and for a while who was there. */
const MAY_STAY = /:(?:meta|events)$/;
const FORMER_CLIENT = /:client:\d+$/;

/** Nothing stays of those who have left but the log. */
export function checkLeftovers(router: string, left: readonly LeftKey[]): Finding {
  const problems = left.flatMap(({ key, keptForMs }) => {
    if (MAY_STAY.test(key) || (FORMER_CLIENT.test(key) && keptForMs > 0)) return [];
    return [`${router}: ${key} is left${keptForMs > 0 ? ` for ${keptForMs} ms` : ''}`];
  });
  return { check: 'leftovers', checked: left.length, problems };
}
