import type { NextHop } from './ids.ts';

/** An address as a number: 32 bits of IPv4, or 128 bits of IPv6 as eight groups. */
export type Address =
  | { readonly family: 4; readonly value: number }
  | { readonly family: 6; readonly groups: readonly number[] };

/** Longest text of an address: IPv6 in six full groups and four decimal parts. */
const TEXT_MAX = 45;
const GROUPS = 8;

/**
 * Reads the text of an IPv4 or IPv6 address, or a u32 as IPv4 in host order. IPv4, also inside IPv6, is four decimal parts
 * without leading zeros. Returns `undefined` for anything else, also for an address with a zone. Wire contract section 2.
 */
export function parseAddress(value: unknown): Address | undefined {
  if (typeof value === 'number') return isU32(value) ? { family: 4, value } : undefined;
  if (typeof value !== 'string' || value.length > TEXT_MAX) return undefined;
  if (value.includes(':')) {
    const groups = parseIpv6(value);
    return groups && { family: 6, groups };
  }
  const ipv4 = parseIpv4(value, 0);
  return ipv4 === undefined ? undefined : { family: 4, value: ipv4 };
}

/** The canonical text: RFC 5952, with the dotted form for IPv4-mapped addresses only (its section 5). */
export function addressText(address: Address): string {
  return address.family === 4 ? ipv4Text(address.value) : ipv6Text(address.groups);
}

/** Whether all bits are 0: `0.0.0.0` or `::`. */
export function isUnspecified(address: Address): boolean {
  if (address.family === 4) return address.value === 0;
  return address.groups.every((group) => group === 0);
}

/** No next hop: a broadcast or point-to-point interface, named by its index alone. */
export const NO_NEXT_HOP = nextHopText('');

/**
 * The canonical form of a next hop as a client may write it. Absent, `''`, `0`, `'0.0.0.0'`, `'::'` and every other text
 * of the last two mean none. Returns `undefined` for what is no address. Wire contract section 2.
 */
export function parseNextHop(value: unknown): NextHop | undefined {
  if (value === undefined || value === null || value === '') return NO_NEXT_HOP;
  const address = parseAddress(value);
  if (address === undefined) return undefined;
  return isUnspecified(address) ? NO_NEXT_HOP : nextHopText(addressText(address));
}

function nextHopText(text: string): NextHop {
  return text as NextHop;
}

function isU32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

const ZERO = '0'.charCodeAt(0);
const DOT = '.'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);

/** Reads four decimal parts from `start` to the end of the text. */
function parseIpv4(text: string, start: number): number | undefined {
  let value = 0;
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== DOT) return undefined;
    const first = at;
    let octet = 0;
    for (; at < first + 3; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      octet = octet * 10 + digit;
    }
    const hasLeadingZero = at - first > 1 && text.charCodeAt(first) === ZERO;
    if (at === first || hasLeadingZero || octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return at === text.length ? value : undefined;
}

/** RFC 4291, section 2.2: eight groups of up to four hexadecimal digits, `::` for zeros, IPv4 for the last two groups. */
function parseIpv6(text: string): number[] | undefined {
  const groups: number[] = [];
  /** How many groups come before `::`. */
  let before = -1;
  let at = 0;
  if (text.startsWith('::')) {
    before = 0;
    at = 2;
  }
  while (at < text.length) {
    const start = at;
    let group = 0;
    for (; at < start + 4; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      group = group * 16 + digit;
    }
    if (text.charCodeAt(at) === DOT) {
      const ipv4 = parseIpv4(text, start);
      if (ipv4 === undefined) return undefined;
      groups.push(ipv4 >>> 16, ipv4 & 0xffff);
      break;
    }
    if (at === start) return undefined;
    groups.push(group);
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== COLON || at === text.length) return undefined;
    if (text.charCodeAt(at) !== COLON) continue;
    if (before >= 0) return undefined;
    before = groups.length;
    at++;
  }
  if (before < 0) return groups.length === GROUPS ? groups : undefined;
  if (groups.length >= GROUPS) return undefined;
  const zeros = Array<number>(GROUPS - groups.length).fill(0);
  groups.splice(before, 0, ...zeros);
  return groups;
}

/** The value of a hexadecimal digit, negative for any other character. */
function hexDigit(code: number): number {
  if (code >= ZERO && code <= ZERO + 9) return code - ZERO;
  const letter = (code | 0x20) - 0x61;
  return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}

function ipv4Text(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function ipv6Text(groups: readonly number[]): string {
  const zeros = longestZeros(groups);
  const [high = 0, low = 0] = groups.slice(6);
  if (zeros.from === 0 && zeros.to === 5 && groups[5] === 0xffff) {
    return `::ffff:${ipv4Text(high * 0x10000 + low)}`;
  }
  if (zeros.to - zeros.from < 2) return hexText(groups, 0, GROUPS);
  return `${hexText(groups, 0, zeros.from)}::${hexText(groups, zeros.to, GROUPS)}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { readonly from: number; readonly to: number } {
  let longest = { from: 0, to: 0 };
  let from = 0;
  for (let at = 0; at < GROUPS; at++) {
    if (groups[at] !== 0) from = at + 1;
    else if (at + 1 - from > longest.to - longest.from) longest = { from, to: at + 1 };
  }
  return longest;
}

function hexText(groups: readonly number[], from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += (at === from ? '' : ':') + groups[at]?.toString(16);
  return text;
}
