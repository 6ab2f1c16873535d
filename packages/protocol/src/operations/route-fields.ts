import * as v from 'valibot';
import { parseAddress, parseNextHop } from '../address.ts';
import type { InterfaceKey, NextHop } from '../ids.ts';
import type { StatusCode } from '../errors.ts';
import { Limits } from '../limits.ts';
import { prefixName, readPrefix, type PrefixFault } from '../prefixes.ts';
import {
  ADDRESS,
  ackUpToSeq,
  fieldPath,
  ifIndexRange,
  listUpTo,
  request,
  sequence,
  u32Range,
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

const fields = request(sequence, { routes: listUpTo(Limits.routes) });

type Fields = v.InferOutput<typeof fields>;

/** Why a list is no element, and the index of the value that is wrong. */
export type Wrong = { readonly wrong: string; readonly at: readonly number[] };

/** A request whose elements `read` reads. An element of a wrong form refuses the request. */
/* @__NO_SIDE_EFFECTS__ */
function requestOf<Element extends object>(read: (values: readonly unknown[]) => Element | Wrong) {
  return v.pipe(
    fields,
    ackUpToSeq<Fields>(),
    v.rawTransform<Fields, Omit<Fields, 'routes'> & { routes: readonly Element[] }>(
      ({ dataset, addIssue, NEVER }) => {
        const routes: Element[] = [];
        for (const [at, values] of dataset.value.routes.entries()) {
          const one = Array.isArray(values) ? read(values) : { wrong: 'must be a list', at: [] };
          if ('wrong' in one) {
            addIssue({ message: one.wrong, path: fieldPath('routes', at, ...one.at) });
            return NEVER;
          }
          routes.push(one);
        }
        return { ...dataset.value, routes };
      },
    ),
  );
}

export const ribSetRequest = requestOf(readRoute);
export const ribDeleteRequest = requestOf((values) =>
  values.length < 2 ? { wrong: PREFIX, at: [] } : readPair(values),
);

/** Reads `[network, length]`. */
export function readPair([network, length]: readonly unknown[]): PrefixElement | Wrong {
  const address = parseAddress(network);
  if (address === undefined) return { wrong: NETWORK, at: [0] };
  if (!u32Range.includes(length)) return { wrong: u32Range.must(length), at: [1] };
  const prefix = readPrefix(address, length);
  return 'fault' in prefix ? prefix : { prefix: prefixName(address, length) };
}

/** Reads `[network, length, ifIndex, nextHop, neighbour, protocolId, preference?]`. */
export function readRoute(values: readonly unknown[]): RouteElement | Wrong {
  if (values.length < 6) return { wrong: ROUTE, at: [] };
  const prefix = readPair(values);
  if ('wrong' in prefix) return prefix;
  const [, , ifIndex, hop, upstream, protocolId, given] = values;
  if (!ifIndexRange.includes(ifIndex)) return { wrong: ifIndexRange.must(ifIndex), at: [2] };
  const nextHop = parseNextHop(hop);
  if (nextHop === undefined) return { wrong: ADDRESS, at: [3] };
  const neighbour = parseNextHop(upstream);
  if (neighbour === undefined) return { wrong: ADDRESS, at: [4] };
  if (!u32Range.includes(protocolId)) return { wrong: u32Range.must(protocolId), at: [5] };
  const preference = given ?? PREFERENCE_DEFAULT;
  if (!u32Range.includes(preference) || preference > PREFERENCE_MAX) {
    return { wrong: `must be an integer, 0 to ${PREFERENCE_MAX}`, at: [6] };
  }
  return { ...prefix, via: { ifIndex, nextHop }, neighbour, protocolId, preference };
}
