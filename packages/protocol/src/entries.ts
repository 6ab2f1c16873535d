import { addressText, isUnspecified, parseAddress, type Address } from './address.ts';
import type { NextHop } from './ids.ts';

type Brand<Base, Name extends string> = Base & { readonly '~brand': Name };

/** A group in canonical text; the wildcard is `''` for IPv4 and `'::'` for IPv6. */
export type GroupText = Brand<string, 'GroupText'>;

/** A source in canonical text; the wildcard is `''`. It has the address family of its group. */
export type SourceText = Brand<string, 'SourceText'>;

/** (s,g), (*,g) or (*,*); there is one (*,*) per address family. Membership contract, section 1. */
export interface Entry {
  readonly group: GroupText;
  readonly source: SourceText;
}

/** Which rule of membership contract section 2 an entry violates. */
export type EntryFault =
  | { readonly refusal: 'badRequest'; readonly field: 'group' | 'source'; readonly must: string }
  | { readonly refusal: 'ssmNeedsSource'; readonly must: string };

/** An entry, or the first rule that it violates. */
export type ReadEntry = { readonly entry: Entry } | { readonly fault: EntryFault };

/** A group or source before it is judged: an address, or the wildcard that was given. */
export type GivenAddress =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'wildcard'; readonly family: 4 | 6 };

/**
 * The address of a `group` or `source` as a client may write it. Absent, nil, `''`, `0`, `'0.0.0.0'` and `'::'` are
 * wildcards. Returns `undefined` for text that is no address and for other types.
 */
export function parseGiven(value: unknown): GivenAddress | undefined {
  if (value === undefined || value === null || value === '') return { kind: 'wildcard', family: 4 };
  const address = parseAddress(value);
  if (address === undefined) return undefined;
  if (isUnspecified(address)) return { kind: 'wildcard', family: address.family };
  return { kind: 'address', address };
}

/** Judges a group and a source, in the order of membership contract section 3: group, source, SSM range. */
export function readEntry(group: GivenAddress, source: GivenAddress): ReadEntry {
  const fault = faultInGroup(group) ?? faultInSource(group, source) ?? faultInSsm(group, source);
  if (fault !== undefined) return { fault };
  return { entry: { group: groupText(group), source: sourceText(source) } };
}

/** The first rule that a group alone violates. */
export function faultInGroup(group: GivenAddress): EntryFault | undefined {
  if (group.kind === 'wildcard' || isGroup(group.address)) return undefined;
  return {
    refusal: 'badRequest',
    field: 'group',
    must: 'must be 224.0.0.0 to 239.255.255.255, or in ff00::/8 with scope 1 to 14',
  };
}

/** The first rule that a source violates together with its group. */
export function faultInSource(group: GivenAddress, source: GivenAddress): EntryFault | undefined {
  if (source.kind === 'wildcard') return undefined;
  const fault = (must: string): EntryFault => ({ refusal: 'badRequest', field: 'source', must });
  if (group.kind === 'wildcard') return fault('must be absent where `group` is a wildcard');
  if (source.address.family !== group.address.family) {
    return fault('must be of the address family of `group`');
  }
  return isSource(source.address) ? undefined : fault('must be a unicast address of a host');
}

function faultInSsm(group: GivenAddress, source: GivenAddress): EntryFault | undefined {
  if (source.kind === 'address' || group.kind === 'wildcard' || !isSsm(group.address)) {
    return undefined;
  }
  return { refusal: 'ssmNeedsSource', must: 'a group in the SSM range needs a source' };
}

/** The canonical text of a group. */
export function groupText(group: GivenAddress): GroupText {
  if (group.kind === 'address') return addressText(group.address) as GroupText;
  return (group.family === 4 ? '' : '::') as GroupText;
}

/** The canonical text of a source. */
export function sourceText(source: GivenAddress): SourceText {
  return (source.kind === 'address' ? addressText(source.address) : '') as SourceText;
}

function isGroup(address: Address): boolean {
  if (address.family === 4) return address.value >>> 28 === 0xe;
  const [first = 0] = address.groups;
  const scope = first & 0xf;
  return first >>> 8 === 0xff && scope >= 1 && scope <= 14;
}

/** 232.0.0.0/8 and ff3x::/32. RFC 4607. */
function isSsm(address: Address): boolean {
  if (address.family === 4) return address.value >>> 24 === 232;
  const [first = 0, second] = address.groups;
  return (first & 0xfff0) === 0xff30 && second === 0;
}

/** Whether the address can be the source of a packet: unicast, of a host. */
export function isSource(address: Address): boolean {
  if (address.family === 4) {
    const first = address.value >>> 24;
    return first !== 0 && first !== 127 && first < 224;
  }
  const { groups } = address;
  const upper = groups.slice(0, 5).every((group) => group === 0);
  const isMapped = upper && groups[5] === 0xffff;
  const isLoopback = upper && groups[5] === 0 && groups[6] === 0 && groups[7] === 1;
  return (groups[0] ?? 0) >>> 8 !== 0xff && !isMapped && !isLoopback;
}

/**
 * The name of an entry for stores: the family, `4` or `6`, then the group and the source in hexadecimal, without wildcards
 * at the end. Names in byte order are entries in the order of listings (membership contract, section 4.3).
 */
export function entryName({ group, source }: Entry): string {
  if (group === '') return '4';
  if (group === '::') return '6';
  const address = parseAddress(group);
  if (address === undefined) throw new RangeError(`not a group: ${group}`);
  return `${address.family}${hexOf(group)}${source === '' ? '' : hexOf(source)}`;
}

/** The entry of a name. Throws `RangeError` for any other text. */
export function entryNamed(name: string): Entry {
  const family = name.startsWith('6') ? 6 : 4;
  const digits = family === 4 ? 8 : 32;
  if (!NAME.test(name)) throw new RangeError(`not the name of an entry: ${name}`);
  const wildcard: GivenAddress = { kind: 'wildcard', family };
  const given = (hex: string): GivenAddress =>
    hex === '' ? wildcard : { kind: 'address', address: addressOf(family, hex) };
  return {
    group: groupText(given(name.slice(1, 1 + digits))),
    source: sourceText(given(name.slice(1 + digits))),
  };
}

const NAME = /^(?:4(?:[0-9a-f]{8}){0,2}|6(?:[0-9a-f]{32}){0,2})$/;

function hexOf(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) throw new RangeError(`not an address: ${text}`);
  return addressHex(address);
}

/** All digits of an address in hexadecimal: 8 of IPv4, 32 of IPv6. */
export function addressHex(address: Address): string {
  if (address.family === 4) return address.value.toString(16).padStart(8, '0');
  return address.groups.map((group) => group.toString(16).padStart(4, '0')).join('');
}

/** The address of such digits. */
export function addressOf(family: 4 | 6, hex: string): Address {
  if (family === 4) return { family, value: Number.parseInt(hex, 16) };
  const parts = Array.from({ length: 8 }, (_, at) => hex.slice(4 * at, 4 * at + 4));
  return { family, groups: parts.map((part) => Number.parseInt(part, 16)) };
}

/** Sources in hexadecimal, in order, one after the other: the form in which stores keep exclude lists. */
export function sourceList(sources: readonly Entry[]): string {
  return sources
    .map(({ source }) => hexOf(source))
    .toSorted()
    .join('');
}

/** The sources of such a list, for a group of this family. */
export function sourcesIn(list: string, family: 4 | 6): SourceText[] {
  const digits = family === 4 ? 8 : 32;
  return Array.from({ length: list.length / digits }, (_, at) => {
    const address = addressOf(family, list.slice(at * digits, (at + 1) * digits));
    return addressText(address) as SourceText;
  });
}

/** An entry in an alert or listing. */
export type EntryItem = readonly [group: GroupText, source: SourceText];

/** An entry with the interface of a membership. */
export type MembershipItem = readonly [
  group: GroupText,
  source: SourceText,
  ifIndex: number,
  nextHop: NextHop,
  /** Of an `updated` event: the new exclude list. */
  exclude?: readonly SourceText[],
];

/** The forwarding entry of an alert with FALSE. */
export type MfeJoinItem = readonly [group: GroupText, source: SourceText, incarnation: number];

/** The forwarding entry of an alert with FALSE: its incoming interface, or an outgoing one that went. */
export type MfePruneItem = readonly [
  group: GroupText,
  source: SourceText,
  ifIndex: number,
  nextHop: NextHop,
  incarnation: number,
];

/** An entry with an interface that it was removed from, and whether a wider entry is still wanted by others. */
export type PruneItem = readonly [
  group: GroupText,
  source: SourceText,
  ifIndex: number,
  nextHop: NextHop,
  covered: boolean,
];
