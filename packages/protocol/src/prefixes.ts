import { addressText, parseAddress, type Address } from './address.ts';
import { addressHex, addressOf } from './entries.ts';

/** A set of addresses that begin with the same bits. */
export interface Prefix {
  /** In canonical text; its host bits are 0. */
  readonly network: string;
  /** 0 to 32 or 128. */
  readonly length: number;
}

/** Which field makes a pair of network and length no prefix. */
export type PrefixFault = { readonly fault: 'network' | 'length' };

const BITS = { 4: 32, 6: 128 } as const;

/** The prefix, or the field that is wrong: `length` is above the bits of an address, or a host bit of `network` is set. */
export function readPrefix(address: Address, length: number): Prefix | PrefixFault {
  if (length > BITS[address.family]) return { fault: 'length' };
  if (!hasNoHostBits(addressHex(address), length)) return { fault: 'network' };
  return { network: addressText(address), length };
}

/** Whether all bits behind the length are 0. */
function hasNoHostBits(hex: string, length: number): boolean {
  const whole = Math.floor(length / 4);
  const partial = Number.parseInt(hex[whole] ?? '0', 16);
  const rest = /^0*$/.test(hex.slice(whole + 1));
  return rest && (partial & (0xf >> (length % 4))) === 0;
}

/**
 * The name of a prefix for stores: the family, the network in hexadecimal, the length as two hexadecimal digits. Names in
 * byte order are prefixes by family, network and length.
 */
export function prefixName(address: Address, length: number): string {
  return `${address.family}${addressHex(address)}${length.toString(16).padStart(2, '0')}`;
}

/** The name of a prefix for stores. Throws `RangeError` if its network is no address. */
export function nameOfPrefix({ network, length }: Prefix): string {
  const address = parseAddress(network);
  if (address === undefined) throw new RangeError(`not a network: ${network}`);
  return prefixName(address, length);
}

const NAME = /^(?:4[0-9a-f]{8}|6[0-9a-f]{32})[0-9a-f]{2}$/;

/** The prefix of a name. Throws `RangeError` for any other text. */
export function prefixNamed(name: string): Prefix {
  if (!NAME.test(name)) throw new RangeError(`not the name of a prefix: ${name}`);
  const address = addressOf(name.startsWith('6') ? 6 : 4, name.slice(1, -2));
  return {
    network: addressText(address),
    length: Number.parseInt(name.slice(-2), 16),
  };
}
