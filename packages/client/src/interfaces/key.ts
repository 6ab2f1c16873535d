import { parseNextHop } from '@mgm/protocol';
import type { InterfaceKey } from '@mgm/protocol';
import { badRequest, type ErrorPlace } from '../errors.ts';

/** An interface as a caller may name it (`(if,nh)` in MGM). */
export interface InterfaceRef {
  /** 1 to 4294967295. */
  readonly ifIndex: number;
  /**
   * The next hop, for a point-to-multipoint interface: text of an IPv4 or IPv6 address, or a u32 for IPv4 in host order.
   * Absent, `''`, `0`, `'0.0.0.0'` and `'::'` mean none.
   */
  readonly nextHop?: string | number | undefined;
}

const IF_INDEX_MAX = 0xffffffff;

/** The interface in canonical form. Throws {@link MgmError} `bad-request`; nothing was sent then. */
export function interfaceKey(ref: InterfaceRef, place: ErrorPlace = {}, path = ''): InterfaceKey {
  const { ifIndex } = ref;
  if (!Number.isInteger(ifIndex) || ifIndex < 1 || ifIndex > IF_INDEX_MAX) {
    const field = `${path}ifIndex`;
    throw badRequest(`${field}: must be an integer from 1 to ${IF_INDEX_MAX}`, field, place);
  }
  const nextHop = parseNextHop(ref.nextHop);
  if (nextHop === undefined) {
    const field = `${path}nextHop`;
    throw badRequest(
      `${field}: must be an IPv4 or IPv6 address as text, a u32, or absent`,
      field,
      place,
    );
  }
  return { ifIndex, nextHop };
}

/** All of them, or a `bad-request` that names the first wrong one, or the first that is named twice. */
export function interfaceKeys(refs: readonly InterfaceRef[], place: ErrorPlace): InterfaceKey[] {
  const keys = refs.map((ref, at) => interfaceKey(ref, place, `interfaces[${at}].`));
  const seen = new Set<string>();
  for (const [at, key] of keys.entries()) {
    const text = keyText(key);
    if (seen.has(text))
      throw badRequest(`interfaces[${at}]: is named twice`, `interfaces[${at}]`, place);
    seen.add(text);
  }
  return keys;
}

/** One text per interface, for maps. */
export function keyText({ ifIndex, nextHop }: InterfaceKey): string {
  return nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
}
