import * as v from 'valibot';
import { parseAddress, parseNextHop } from '../address.ts';
import type { InterfaceKey, NextHop } from '../ids.ts';
import type { StatusCode } from '../errors.ts';
import { Limits } from '../limits.ts';
import { prefixName, readPrefix, type PrefixFault } from '../prefixes.ts';
import {
  ADDRESS,
  ackUpToSeq,
  elements,
  interfaceAt,
  request,
  sequence,
  u32Range,
  type Wrong,
} from './fields.ts';

const PREFERENCE_DEFAULT = 100;
const PREFERENCE_MAX = 255;
const ROUTE =
  'must be a list: network, length, ifIndex, nextHop, neighbour, protocolId and, optionally, preference';
const PREFIX = 'must be a list: network, length';
const NETWORK = 'must be an IPv4 or IPv6 address as text, or a u32';

/** A prefix of a request by its name, or the field that makes it none: only this element fails. */
export type PrefixElement = { readonly prefix: string } | PrefixFault;

/** An element of `rib.set`. */
export type RouteElement = PrefixElement & {
  readonly via: InterfaceKey;
  readonly neighbour: NextHop;
  readonly protocolId: number;
  readonly preference: number;
};

/** An element that was refused: index from 0, status, reason, and for `bad-request` the field. */
export type FailedRoute = readonly [
  index: number,
  status: Exclude<StatusCode, 0>,
  reason: string,
  field?: 'network' | 'length',
];

/** The reply to `rib.set` and `rib.delete`. */
export interface RouteChangeReply {
  /** Number of routes that changed. */
  readonly count: number;
  /** The refused elements, by ascending index. */
  readonly failed: readonly FailedRoute[];
  /** The revision of the multicast view after the operation. */
  readonly rrev: number;
}

/** The request of a list of elements, each of which `read` reads. An element of a wrong form refuses the request. */
/* @__NO_SIDE_EFFECTS__ */
function requestOf<Element extends object>(read: (values: readonly unknown[]) => Element | Wrong) {
  const readList = (values: unknown): Element | Wrong =>
    Array.isArray(values) ? read(values) : { wrong: 'must be a list', at: [] };
  const fields = request(sequence, { routes: elements(Limits.routes, readList) });
  return v.pipe(fields, ackUpToSeq<v.InferOutput<typeof fields>>());
}

export const ribSetRequest = requestOf(readRoute);
export const ribDeleteRequest = requestOf((values) =>
  values.length < 2 ? { wrong: PREFIX, at: [] } : readPair(values),
);

/** Reads `[network, length]`. */
export function readPair([network, length]: readonly unknown[]): PrefixElement | Wrong<number> {
  const address = parseAddress(network);
  if (address === undefined) return { wrong: NETWORK, at: [0] };
  if (!u32Range.includes(length)) return { wrong: u32Range.must(length), at: [1] };
  const prefix = readPrefix(address, length);
  return 'fault' in prefix ? prefix : { prefix: prefixName(address, length) };
}

/** Reads `[network, length, ifIndex, nextHop, neighbour, protocolId, preference?]`. */
export function readRoute(values: readonly unknown[]): RouteElement | Wrong<number> {
  if (values.length < 6) return { wrong: ROUTE, at: [] };
  const prefix = readPair(values);
  if ('wrong' in prefix) return prefix;
  const via = interfaceAt(values, 2);
  if ('wrong' in via) return via;
  const [, , , , upstream, protocolId, given] = values;
  const neighbour = parseNextHop(upstream);
  if (neighbour === undefined) return { wrong: ADDRESS, at: [4] };
  if (!u32Range.includes(protocolId)) return { wrong: u32Range.must(protocolId), at: [5] };
  const preference = given ?? PREFERENCE_DEFAULT;
  if (!u32Range.includes(preference) || preference > PREFERENCE_MAX) {
    return { wrong: `must be an integer, 0 to ${PREFERENCE_MAX}`, at: [6] };
  }
  return { ...prefix, via, neighbour, protocolId, preference };
}
