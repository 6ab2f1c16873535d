import { parseNextHop } from '@mgm/protocol';
import type { InterfaceKey } from '@mgm/protocol';
import { badRequest, type ErrorOrigin } from '../errors.ts';

/** An interface as a caller may name it (`(if,nh)` in MGM). */
export interface InterfaceRef {
  /** 1 to 4294967295. */
  readonly ifIndex: number;
  /**
   * The next hop of a point-to-multipoint interface: an IPv4 or IPv6 address as text, or a u32 for IPv4 in host order.
   * Absent, `''`, `0`, `'0.0.0.0'` and `'::'` mean none.
   */
  readonly nextHop?: string | number | undefined;
}

const IF_INDEX_MAX = 0xffffffff;

/** The interface in canonical form. Throws {@link MgmError} `bad-request` for an invalid one. */
export function interfaceKey(ref: InterfaceRef, origin: ErrorOrigin = {}, path = ''): InterfaceKey {
  const { ifIndex } = ref;
  if (!Number.isInteger(ifIndex) || ifIndex < 1 || ifIndex > IF_INDEX_MAX) {
    const field = `${path}ifIndex`;
    throw badRequest(`${field}: must be an integer from 1 to ${IF_INDEX_MAX}`, field, origin);
  }
  const nextHop = parseNextHop(ref.nextHop);
  if (nextHop === undefined) {
    const field = `${path}nextHop`;
    const message = `${field}: must be an IPv4 or IPv6 address as text, a u32, or absent`;
    throw badRequest(message, field, origin);
  }
  return { ifIndex, nextHop };
}

/** All of them; throws `bad-request` for the first invalid or duplicate one. */
export function interfaceKeys(refs: readonly InterfaceRef[], origin: ErrorOrigin): InterfaceKey[] {
  const keys = refs.map((ref, at) => interfaceKey(ref, origin, `interfaces[${at}].`));
  const seen = new Set<string>();
  for (const [at, key] of keys.entries()) {
    const text = keyText(key);
    if (seen.has(text)) {
      throw badRequest(`interfaces[${at}]: is named twice`, `interfaces[${at}]`, origin);
    }
    seen.add(text);
  }
  return keys;
}

/** One text per interface, as a key of maps. */
export function keyText({ ifIndex, nextHop }: InterfaceKey): string {
  return nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
}
