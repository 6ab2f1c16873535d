import type { Holder, RouteListing, SessionId } from '@mgm/protocol';
import { omitUndefined, type CallOptions } from '../options.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { pagesOf, type PageOptions } from '../rpc/pages.ts';
import type { Route } from './refs.ts';

/** A listed route. */
export interface ListedRoute extends Route {
  /** The present session of the client that set it. */
  readonly session: SessionId;
  /** Whether it is the best route of its prefix. */
  readonly best: boolean;
}

/** The best route to a source. */
export interface ResolvedRoute extends Omit<Route, 'preference'> {
  /**
   * The routing protocol that owns the interface, or IGMP where it is alone there: alerts for (s,g) of this source go to
   * it. `undefined` where no client is.
   */
  readonly owner: Holder | undefined;
}

/** Which routes to list. */
export interface RouteFilter extends PageOptions {
  /** Only those that this session set or inherited. */
  readonly session?: number | undefined;
}

/** Rejects with `MgmError` `not-found` if there is no route. */
export async function resolveRoute(
  context: Context,
  source: string | number,
  options: CallOptions,
): Promise<ResolvedRoute> {
  const reply = await requestGranted(context, 'rib.resolve', { source }, options);
  const { network, length, ifIndex, nextHop, neighbour, protocolId, owner } = reply;
  return { network, length, ifIndex, nextHop, neighbour, protocolId, owner };
}

/** Pages of routes; each is requested when the previous one was consumed. */
export async function* routePages(
  context: Context,
  { session, limit, ...options }: RouteFilter = {},
): AsyncGenerator<readonly ListedRoute[], void, undefined> {
  const read = (cursor: string | undefined) => {
    const fields = omitUndefined({ session, limit, cursor });
    return requestGranted(context, 'rib.list', fields, options);
  };
  for await (const { items } of pagesOf(read)) yield items.map(readRouteItem);
}

function readRouteItem(item: RouteListing): ListedRoute {
  const [network, length, ifIndex, nextHop, neighbour, protocolId, preference, session, best] =
    item;
  return { network, length, ifIndex, nextHop, neighbour, protocolId, preference, session, best };
}
