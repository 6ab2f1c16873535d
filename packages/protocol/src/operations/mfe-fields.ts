import * as v from 'valibot';
import type { Address } from '../address.ts';
import {
  addressHex,
  faultInGroup,
  faultInSource,
  parseGiven,
  type GivenAddress,
} from '../entries.ts';
import { Limits } from '../limits.ts';
import {
  ADDRESS,
  elements,
  handle,
  interfaceAt,
  page,
  reading,
  request,
  statsFlags,
  type Wrong,
} from './fields.ts';

/** A flow of `flow.new`: the name of its forwarding entry, or why it gets none. */
export type FlowElement =
  | { readonly kind: 'flow'; readonly name: string; readonly header?: Uint8Array }
  | { readonly kind: 'local' }
  | { readonly kind: 'refused'; readonly field: 'group' | 'source' };

type ExactFault = { readonly field: 'group' | 'source'; readonly must: string };

const FLOW = 'must be a list: group, source, ifIndex, nextHop and, optionally, header';
export const HEADER = `must be binary data of at most ${Limits.headerBytes} bytes`;

/** The addresses of an exact (s,g), or which one is none. */
function readExact(
  group: GivenAddress,
  source: GivenAddress,
): { readonly group: Address; readonly source: Address } | ExactFault {
  if (group.kind === 'wildcard') return { field: 'group', must: 'must not be a wildcard' };
  const fault = faultInGroup(group);
  if (fault?.refusal === 'badRequest') return { field: 'group', must: fault.must };
  if (source.kind === 'wildcard') return { field: 'source', must: 'must not be a wildcard' };
  const other = faultInSource(group, source);
  if (other?.refusal === 'badRequest') return { field: 'source', must: other.must };
  return { group: group.address, source: source.address };
}

/** The name of a forwarding entry for stores: as that of its entry of memberships. */
function exactName(group: Address, source: Address): string {
  return `${group.family}${addressHex(group)}${addressHex(source)}`;
}

/** 224.0.0.0/24, and IPv6 groups of scope 1 and 2, whatever their flags. */
function isLinkLocal(group: Address): boolean {
  if (group.family === 4) return group.value >>> 8 === 0xe00000;
  const scope = (group.groups[0] ?? 0) & 0xf;
  return scope === 1 || scope === 2;
}

/** The name of a forwarding entry for stores, or which of the two is wrong. */
export function readName(group: unknown, source: unknown): { readonly name: string } | ExactFault {
  const given = parseGiven(group);
  if (given === undefined) return { field: 'group', must: ADDRESS };
  const from = parseGiven(source);
  if (from === undefined) return { field: 'source', must: ADDRESS };
  const exact = readExact(given, from);
  return 'field' in exact ? exact : { name: exactName(exact.group, exact.source) };
}

/** The same of the first two values of an element. */
export function readPair([group, source]: readonly unknown[]):
  { readonly name: string } | Wrong<number> {
  const read = readName(group, source);
  return 'name' in read ? read : { wrong: read.must, at: [read.field === 'group' ? 0 : 1] };
}

function readFlow(values: unknown): FlowElement | Wrong {
  if (!Array.isArray(values) || values.length < 4) return { wrong: FLOW, at: [] };
  const [group, source, , , header] = values as readonly unknown[];
  const given = parseGiven(group);
  if (given === undefined) return { wrong: ADDRESS, at: [0] };
  const from = parseGiven(source);
  if (from === undefined) return { wrong: ADDRESS, at: [1] };
  const arrival = interfaceAt(values, 2);
  if ('wrong' in arrival) return arrival;
  if (!isHeader(header)) return { wrong: HEADER, at: [4] };
  const exact = readExact(given, from);
  if ('field' in exact) return { kind: 'refused', field: exact.field };
  if (isLinkLocal(exact.group)) return { kind: 'local' };
  const name = exactName(exact.group, exact.source);
  return { kind: 'flow', name, ...(header instanceof Uint8Array && { header }) };
}

export function isHeader(value: unknown): value is Uint8Array | null | undefined {
  if (value === undefined || value === null) return true;
  return value instanceof Uint8Array && value.length <= Limits.headerBytes;
}

export const flowNewRequest = request({ handle, flows: elements(Limits.flows, readFlow) });

const getFields = request({ group: v.unknown(), source: v.unknown() });
type GetFields = v.InferOutput<typeof getFields>;
type GetRequest = Omit<GetFields, 'group' | 'source'> & { readonly name: string };

export const mfeGetRequest = v.pipe(
  getFields,
  reading(({ group, source, ...rest }: GetFields): GetRequest | Wrong => {
    const read = readName(group, source);
    return 'name' in read ? { ...rest, name: read.name } : { wrong: read.must, at: [read.field] };
  }),
);

const PAIR = 'must be a list: group, source';
const listFields = request(page, { after: v.optional(v.unknown()) });
type ListFields = v.InferOutput<typeof listFields>;
type ListRequest = Omit<ListFields, 'after'> & { readonly after?: string };

export const mfeListRequest = v.pipe(
  listFields,
  reading(({ after, ...rest }: ListFields): ListRequest | Wrong => {
    if (after === undefined) return rest;
    const read = readAfter(after, rest.cursor);
    return 'name' in read ? { ...rest, after: read.name } : read;
  }),
);

function readAfter(after: unknown, cursor: string | undefined): { readonly name: string } | Wrong {
  if (cursor !== undefined) return { wrong: 'must not be combined with `cursor`', at: ['after'] };
  if (!Array.isArray(after) || after.length !== 2) return { wrong: PAIR, at: ['after'] };
  const read = readPair(after);
  return 'wrong' in read ? { ...read, at: ['after', ...read.at] } : read;
}

const statsFields = request(page, {
  after: v.optional(v.unknown()),
  group: v.optional(v.unknown()),
  source: v.optional(v.unknown()),
  flags: v.optional(statsFlags, 2),
});
type StatsFields = v.InferOutput<typeof statsFields>;
type StatsRequest = Omit<StatsFields, 'after' | 'group' | 'source'> & StatsTarget;

/** The entry to read, or where to begin or continue a listing. */
export interface StatsTarget {
  readonly name?: string;
  readonly after?: string;
}

const NO_LISTING = 'must not be combined with `group` and `source`';

/** The request of `mfe.stats`: of one entry with `group` and `source`, of a page without. */
export const mfeStatsRequest = v.pipe(
  statsFields,
  reading(({ after, group, source, ...rest }: StatsFields): StatsRequest | Wrong => {
    const target = readTarget({ after, group, source, cursor: rest.cursor });
    return 'wrong' in target ? target : { ...rest, ...target };
  }),
);

function readTarget({
  after,
  group,
  source,
  cursor,
}: Pick<StatsFields, 'after' | 'group' | 'source' | 'cursor'>): StatsTarget | Wrong {
  if (group === undefined && source === undefined) {
    if (after === undefined) return {};
    const read = readAfter(after, cursor);
    return 'name' in read ? { after: read.name } : read;
  }
  if (after !== undefined) return { wrong: NO_LISTING, at: ['after'] };
  if (cursor !== undefined) return { wrong: NO_LISTING, at: ['cursor'] };
  const read = readName(group, source);
  return 'name' in read ? read : { wrong: read.must, at: [read.field] };
}
