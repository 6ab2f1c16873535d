import { ProtocolId, type NextHop } from '@mgm/client';
import {
  faultInGroup,
  faultInSource,
  groupText,
  isEpoch,
  parseGiven,
  parseNextHop,
  parseRequest,
  sourceText,
  type GivenAddress,
} from '@mgm/protocol';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './exit-code.ts';

/** A whole number, decimal without leading zeros or `0x…`. @throws InvalidArgumentError outside of `min` to `max` */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^(0|[1-9]\d*|0x[\da-f]+)$/i.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be an integer from ${min} to ${max}`);
  };
}

const U32 = 0xffffffff;

/** The index of an interface. */
export const ifIndex = integer(1, U32);
/** The number of a component: any u32. */
export const componentId = integer(0, U32);
/** The public number of a session. */
export const session = integer(1, Number.MAX_SAFE_INTEGER);
/** A revision; 0 is the one before the first change. */
export const revision = integer(0, Number.MAX_SAFE_INTEGER);
/** A positive number. */
export const count = integer(1, Number.MAX_SAFE_INTEGER);

/** `PIM`, `pim`, `103` or `0x67`. */
export function protocol(text: string): number {
  const known = Object.entries(ProtocolId).find(([name]) => name === text.toUpperCase());
  if (known) return known[1];
  if (/^\d/.test(text)) return integer(0, U32)(text);
  throw new InvalidArgumentError(
    `must be a number or one of ${Object.keys(ProtocolId).join(', ')}`,
  );
}

/** A duration with its unit: `500ms`, `5s`, `2m`. In ms, from `min` to `max`. */
export function duration(min: number, max: number): (text: string) => number {
  return (text) => {
    const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
    const ms = Number(amount) * ({ ms: 1, s: 1_000, m: 60_000 }[unit] ?? NaN);
    if (ms >= min && ms <= max) return Math.round(ms);
    throw new InvalidArgumentError(`must be like 500ms, 5s or 2m, from ${min} ms to ${max} ms`);
  };
}

const TEXT_MAX = 256;

/** A text for the log: 1 to 256 characters. */
export function logged(text: string): string {
  if (text.trim() !== '' && text.length <= TEXT_MAX) return text;
  throw new InvalidArgumentError(`must be 1 to ${TEXT_MAX} characters`);
}

/** An epoch in decimal. The server compares it, so it stays text. */
export function epoch(text: string): string {
  if (isEpoch(text)) return text;
  throw new InvalidArgumentError('must be a number, as mgmctl owner shows it');
}

/** The address of a source to which there may be a route. */
export function host(text: string): string {
  if (parseRequest('rib.resolve', { source: text }).kind !== 'bad-request') return text;
  throw new InvalidArgumentError('must be the IPv4 or IPv6 address of a host');
}

/** A next hop in canonical text; absent, `''`, `0.0.0.0` and `::` mean none. */
export function nextHop(text: string | undefined): NextHop {
  const parsed = parseNextHop(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError('must be an IPv4 or IPv6 address');
}

/** Stands for all groups or any source. */
const ANY = '*';
const ADDRESS = 'must be an IPv4 or IPv6 address, or * for any';

/** A group of multicast, or the wildcard: `*` or `0.0.0.0` for IPv4, `::` for IPv6. */
export function group(text: string): string {
  const given = givenAddress(text);
  const fault = faultInGroup(given);
  if (fault) throw new InvalidArgumentError(fault.must);
  return groupText(given);
}

/** A source, or the wildcard. Whether it may stand next to a group is checked by {@link checkSource}. */
export function source(text: string): string {
  return sourceText(givenAddress(text));
}

function givenAddress(text: string): GivenAddress {
  const given = parseGiven(text === ANY ? '' : text);
  if (given) return given;
  throw new InvalidArgumentError(ADDRESS);
}

/** Checks a source next to its group. @throws UsageError */
export function checkSource(group: string | undefined, source: string): void {
  if (group === undefined) throw new UsageError('--source needs --group');
  const fault = faultInSource(givenAddress(group), givenAddress(source));
  if (fault) throw new UsageError(`--source ${JSON.stringify(source)}: ${fault.must}`);
}
