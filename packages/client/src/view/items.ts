import type { Prefix } from '@mgm/protocol';
import type { ErrorOrigin, MgmError } from '../errors.ts';
import { prefixText, type Route } from './refs.ts';

/** The operations that change routes. */
export type RouteOperation = 'rib.set' | 'rib.delete';

/** The result for one element of `setRoutes` and `deleteRoutes`. */
export type RouteResult =
  /** `rrev`: the revision of the multicast view after the request. */
  | { readonly kind: 'done'; readonly rrev: number }
  | { readonly kind: 'failed'; readonly error: MgmError };

/** The routes of a session by {@link prefixText}, as far as replies have told: what it sets again after a recovery. */
export type RouteRecord = Map<string, Route>;

/** One call of `setRoutes` or `deleteRoutes`. */
export interface Caller {
  readonly origin: ErrorOrigin;
  /** By the index of the element; `undefined` while it is pending. */
  readonly results: (RouteResult | undefined)[];
  pending: number;
  readonly finish: () => void;
}

/** One route of a request. */
export interface Item {
  readonly operation: RouteOperation;
  readonly target: Prefix | Route;
  /** Without one, the request makes the store agree with the record. */
  readonly caller?: Caller;
  /** The index of the element in its call. */
  readonly at: number;
  readonly timeoutMs: number;
  readonly deadlineMono: number;
  /** Of a deletion, when it is sent: the route that was on record. */
  former?: Route | undefined;
}

/** Whether the caller still waits for this element. */
export function isWaitedFor({ caller, at }: Item): boolean {
  return caller !== undefined && caller.results[at] === undefined;
}

/** From the start of a deletion its route is not on record. */
export function takeOffRecord(record: RouteRecord, item: Item): void {
  const text = prefixText(item.target);
  item.former = record.get(text);
  record.delete(text);
}

/** Whether this is a route, and not only its prefix. */
export function isRoute(target: Prefix | Route): target is Route {
  return 'ifIndex' in target;
}

/** A route, or a prefix, as an element of a request. */
export function elementOf({ operation, target }: Item): (string | number)[] {
  const { network, length } = target;
  if (operation === 'rib.delete' || !isRoute(target)) return [network, length];
  const { ifIndex, nextHop, neighbour, protocolId, preference } = target;
  return [network, length, ifIndex, nextHop, neighbour, protocolId, preference];
}
