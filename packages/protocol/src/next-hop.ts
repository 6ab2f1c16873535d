import ipaddr from 'ipaddr.js';
import type { NextHop } from './ids.ts';

/** No next hop: a broadcast or point-to-point interface, named by its index alone. */
export const NO_NEXT_HOP = nextHopText('');

const UNSPECIFIED = new Set(['', '0.0.0.0', '::']);

/**
 * The canonical form (RFC 5952) of a next hop as a client may write it: text of an IPv4 or IPv6 address, or a u32 for
 * IPv4 in host order. Absent, `''`, `0`, `'0.0.0.0'` and `'::'` mean none. Answers `undefined` for anything else, also
 * for addresses with a zone and for IPv4 in octal, hexadecimal or short forms. Wire contract section 2.
 */
export function parseNextHop(value: unknown): NextHop | undefined {
  if (value === undefined || value === null) return NO_NEXT_HOP;
  if (typeof value === 'number') return fromU32(value);
  if (typeof value !== 'string' || value.length > 45) return undefined;
  if (value === '') return NO_NEXT_HOP;
  return fromText(value);
}

function fromU32(value: number): NextHop | undefined {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) return undefined;
  if (value === 0) return NO_NEXT_HOP;
  const octets = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  return nextHopText(octets.join('.'));
}

function fromText(text: string): NextHop | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return canonical(ipaddr.IPv4.parse(text).toString());
  }
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  return canonical(ipv6Text(ipaddr.IPv6.parse(text)));
}

/** RFC 5952 section 5 keeps the dotted form for IPv4-mapped addresses, which ipaddr.js writes in hexadecimal. */
function ipv6Text(address: ipaddr.IPv6): string {
  if (address.isIPv4MappedAddress()) return `::ffff:${address.toIPv4Address().toString()}`;
  return address.toRFC5952String();
}

function canonical(text: string): NextHop {
  return UNSPECIFIED.has(text) ? NO_NEXT_HOP : nextHopText(text);
}

function nextHopText(text: string): NextHop {
  return text as NextHop;
}
