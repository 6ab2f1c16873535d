import * as v from 'valibot';
import { parseAddress, type Address } from '../address.ts';
import { parseGiven, readEntry, type Entry, type GivenAddress } from '../entries.ts';
import type { StatusCode } from '../errors.ts';
import type { InterfaceKey } from '../ids.ts';
import { Limits } from '../limits.ts';
import {
  ADDRESS,
  ackUpToSeq,
  epoch,
  interfaceAt,
  listUpTo,
  reading,
  request,
  sequence,
  u32Range,
  type Wrong,
} from './fields.ts';

const JOIN = 1;
const FORWARD = 2;
const FLAGS = 'must be 1 (JOIN), 2 (FORWARD) or 3';
const MASK = 'must be a u32 or an address as text';
const HOST_MASK = 'must have all bits set for an address, and none for a wildcard';
const ELEMENT = 'must be a list: ifIndex, nextHop, group, source and, optionally, flags';

/** What one element of `member.add` or `member.delete` names. */
export interface MemberElement extends InterfaceKey, Entry {
  /** FORWARD: an override of a forwarding entry. Else JOIN: a membership. */
  readonly forward: boolean;
}

/** Why an element is refused before anything is decided. */
export interface ElementRefusal {
  readonly status: 87;
  readonly reason: 'bad-request' | 'ssm-needs-source';
  readonly field?: 'group' | 'source' | 'flags';
}

/** A bulk element that violates membership contract section 2: only this element fails. */
export interface RefusedElement extends InterfaceKey {
  readonly refused: ElementRefusal;
}

/** The elements of `member.add` or `member.delete`, in the order of the request. */
export interface MemberElements {
  readonly elements: readonly (MemberElement | RefusedElement)[];
  /** Whether the request named them in `entries` and so expects `count` and `failed`. */
  readonly bulk: boolean;
}

/** An element that was refused: index from 0, status, reason, and for `bad-request` the field. */
export type FailedElement = readonly [
  index: number,
  status: Exclude<StatusCode, 0>,
  reason: string,
  field?: 'group' | 'source' | 'flags',
];

/** The reply to `member.add` and `member.delete`. */
export interface MemberChangeReply {
  /** Single form: whether a membership was created or removed. */
  readonly changed?: boolean;
  /** Single form, FORWARD: number of forwarding entries that the request covered. */
  readonly matched?: number;
  /** Bulk form: number of elements that changed something. */
  readonly count?: number;
  /** Bulk form: the refused elements, by ascending index. */
  readonly failed?: readonly FailedElement[];
  /** The membership revision after the operation. */
  readonly mrev: number;
}

const fields = request(
  sequence,
  {
    ifIndex: v.optional(v.unknown()),
    nextHop: v.optional(v.unknown()),
    group: v.optional(v.unknown()),
    source: v.optional(v.unknown()),
    groupMask: v.optional(v.unknown()),
    sourceMask: v.optional(v.unknown()),
    flags: v.optional(v.unknown()),
  },
  { epoch: v.optional(epoch), entries: v.optional(listUpTo(Limits.entries)) },
);

type Fields = v.InferOutput<typeof fields>;
type Sequenced = Pick<Fields, 'deadlineMs' | 'handle' | 'seq' | 'ack' | 'epoch'>;

/** The request of `member.add` and `member.delete`: the single form, or `entries`. Membership contract, section 4.2. */
export const memberChangeRequest = v.pipe(
  fields,
  ackUpToSeq<Fields>(),
  reading((whole: Fields): (Sequenced & MemberElements) | Wrong => {
    const { entries, ifIndex, nextHop, group, source, groupMask, sourceMask, flags, ...rest } =
      whole;
    const single = { ifIndex, nextHop, group, source, groupMask, sourceMask, flags };
    const read = entries ? readBulk(entries, { ...single, epoch: rest.epoch }) : readSingle(single);
    return 'wrong' in read ? read : { ...rest, ...read };
  }),
);

type Single = Omit<Fields, keyof Sequenced | 'entries'>;

function wrong(at: Wrong['at'], must: string): Wrong {
  return { wrong: must, at };
}

function readSingle(single: Single): MemberElements | Wrong {
  const { ifIndex, nextHop, group, source, flags } = single;
  if (ifIndex === undefined) return wrong(['ifIndex'], 'is missing, and so is `entries`');
  const typed = readTypes([ifIndex, nextHop, group, source, flags]);
  if ('wrong' in typed) return { ...typed, at: typed.at.map((at) => NAMES[at] ?? at) };
  for (const field of ['groupMask', 'sourceMask'] as const) {
    if (!isMask(single[field])) return wrong([field], MASK);
  }
  const entry = readEntry(typed.group, typed.source);
  if ('fault' in entry) {
    const { fault } = entry;
    const field = fault.refusal === 'badRequest' ? fault.field : 'source';
    return { ...wrong([field], fault.must), refusal: fault.refusal };
  }
  if (!isHostMask(single.groupMask, typed.group)) return wrong(['groupMask'], HOST_MASK);
  if (!isHostMask(single.sourceMask, typed.source)) return wrong(['sourceMask'], HOST_MASK);
  if (!isFlags(typed.flags)) return wrong(['flags'], FLAGS);
  const forward = typed.flags === FORWARD;
  return { elements: [{ ...typed.key, ...entry.entry, forward }], bulk: false };
}

/** Fields of the single form in which nil stands for absent. */
const MAY_BE_NIL: ReadonlySet<string> = new Set(['nextHop', 'group', 'source', 'flags']);

function readBulk(
  entries: readonly unknown[],
  single: Record<string, unknown>,
): MemberElements | Wrong {
  const isGiven = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && !(value === null && MAY_BE_NIL.has(name));
  if (Object.entries(single).some(isGiven)) {
    return wrong(['entries'], 'must not be combined with fields of the single form');
  }
  const elements: (MemberElement | RefusedElement)[] = [];
  for (const [at, values] of entries.entries()) {
    if (!Array.isArray(values) || values.length < 4) return wrong(['entries', at], ELEMENT);
    const typed = readTypes(values);
    if ('wrong' in typed) return { ...typed, at: ['entries', at, ...typed.at] };
    elements.push(judge(typed));
  }
  return { elements, bulk: true };
}

/** The fields of an element in the order of the bulk form. */
const NAMES = ['ifIndex', 'nextHop', 'group', 'source', 'flags'];

interface TypedElement {
  readonly key: InterfaceKey;
  readonly group: GivenAddress;
  readonly source: GivenAddress;
  readonly flags: number;
}

/** Reads the types of an element, not yet the rules of membership contract section 2. */
function readTypes(values: readonly unknown[]): TypedElement | Wrong<number> {
  const key = interfaceAt(values, 0);
  if ('wrong' in key) return key;
  const [, , given, from, bits] = values;
  const group = parseGiven(given);
  if (group === undefined) return { wrong: ADDRESS, at: [2] };
  const source = parseGiven(from);
  if (source === undefined) return { wrong: ADDRESS, at: [3] };
  const flags = bits ?? JOIN;
  if (!u32Range.includes(flags)) return { wrong: FLAGS, at: [4] };
  return { key, group, source, flags };
}

/** Judges a bulk element by the rules of section 2. */
function judge({ key, group, source, flags }: TypedElement): MemberElement | RefusedElement {
  const entry = readEntry(group, source);
  if ('entry' in entry) {
    if (isFlags(flags)) return { ...key, ...entry.entry, forward: flags === FORWARD };
    return { ...key, refused: { ...BAD_REQUEST, field: 'flags' } };
  }
  const { fault } = entry;
  if (fault.refusal === 'ssmNeedsSource') return { ...key, refused: SSM_NEEDS_SOURCE };
  return { ...key, refused: { ...BAD_REQUEST, field: fault.field } };
}

const SSM_NEEDS_SOURCE = { status: 87, reason: 'ssm-needs-source' } as const;
const BAD_REQUEST = { status: 87, reason: 'bad-request' } as const;

function isFlags(flags: number): boolean {
  return flags >= JOIN && flags <= (JOIN | FORWARD);
}

function isMask(mask: unknown): boolean {
  return mask === undefined || mask === '' || parseAddress(mask) !== undefined;
}

/** Whether a mask covers exactly the value it belongs to: one address, or everything. */
function isHostMask(mask: unknown, of: GivenAddress): boolean {
  if (mask === undefined) return true;
  if (of.kind === 'wildcard') return mask === '' || isAll(parseAddress(mask), 0);
  const address = parseAddress(mask);
  return address?.family === of.address.family && isAll(address, 1);
}

/** Whether all bits of an address are this one. */
function isAll(address: Address | undefined, bit: 0 | 1): boolean {
  if (address?.family === 4) return address.value === bit * 0xffffffff;
  return address?.groups.every((group) => group === bit * 0xffff) ?? false;
}
