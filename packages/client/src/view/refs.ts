import { prefixNamed, readPair, readRoute } from '@mgm/protocol';
import type { NextHop, Prefix } from '@mgm/protocol';
import { badRequest, type ErrorOrigin } from '../errors.ts';
import type { InterfaceRef } from '../interfaces/refs.ts';

/** The sources of a route as a caller may name them. */
export interface PrefixRef {
  /** An IPv4 or IPv6 address as text, or a u32 for IPv4 in host order. Its host bits must be 0. */
  readonly network: string | number;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly length: number;
}

/** A route as a caller may name it: the interface by which the sources of a prefix are reached. */
export interface RouteRef extends PrefixRef, InterfaceRef {
  /** The upstream router: an address, as `nextHop`. Absent: none. */
  readonly neighbour?: string | number | undefined;
  /** The originator of the route, a u32. Default: the protocol of the session. */
  readonly protocolId?: number | undefined;
  /** 0 to 255, default 100. Of equal prefixes the route with the lowest one is best. */
  readonly preference?: number | undefined;
}

/** A route of a session, in canonical text. */
export interface Route extends Prefix {
  readonly ifIndex: number;
  /** `''` for none. */
  readonly nextHop: NextHop;
  /** The upstream router, `''` for none. */
  readonly neighbour: NextHop;
  readonly protocolId: number;
  readonly preference: number;
}

const FIELDS = [
  ...['network', 'length', 'ifIndex', 'nextHop', 'neighbour', 'protocolId', 'preference'],
] as const;

/** Throws {@link MgmError} `bad-request` with the field: one wrong element must not fail the others of its request. */
export function readRouteRef(ref: RouteRef, protocolId: number, origin: ErrorOrigin): Route {
  const { network, length, ifIndex, nextHop, neighbour, preference } = ref;
  const originator = ref.protocolId ?? protocolId;
  const values = [network, length, ifIndex, nextHop, neighbour, originator, preference];
  const read = readRoute(values);
  const prefix = prefixOf(read, origin);
  if ('wrong' in read) throw wrong(read, origin);
  return {
    ...prefix,
    ...read.via,
    neighbour: read.neighbour,
    protocolId: read.protocolId,
    preference: read.preference,
  };
}

/** Throws as {@link readRouteRef}. */
export function readPrefixRef({ network, length }: PrefixRef, origin: ErrorOrigin): Prefix {
  return prefixOf(readPair([network, length]), origin);
}

function prefixOf(read: ReturnType<typeof readPair>, origin: ErrorOrigin): Prefix {
  if ('wrong' in read) throw wrong(read, origin);
  if ('prefix' in read) return prefixNamed(read.prefix);
  const why =
    read.fault === 'network'
      ? 'its host bits must be 0'
      : 'must be at most 32 for IPv4, 128 for IPv6';
  throw badRequest(`${read.fault}: ${why}`, read.fault, origin);
}

function wrong(
  { wrong: why, at: [at = 0] }: { readonly wrong: string; readonly at: readonly number[] },
  origin: ErrorOrigin,
): Error {
  const field = FIELDS[at] ?? 'network';
  return badRequest(`${field}: ${why}`, field, origin);
}

/** One text per prefix, as a key of maps. */
export function prefixText({ network, length }: Prefix): string {
  return `${network}/${length}`;
}
