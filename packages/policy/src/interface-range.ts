import { BlockList, isIP } from 'node:net';
import { NO_NEXT_HOP, type InterfaceKey } from '@mgm/protocol';

/** Interfaces that a rule permits: indexes from `from` to `to`, and the next hops allowed there. */
export interface InterfaceRange {
  readonly from: number;
  readonly to: number;
  /** Addresses, networks as `10.0.0.0/8`, or `none` for interfaces without next hop. Absent: any. */
  readonly nextHops?: readonly string[] | undefined;
}

/** Whether an interface is in a compiled range. */
export type RangeTest = (key: InterfaceKey) => boolean;

const NONE = 'none';
const BITS = { 4: 32, 6: 128 } as const;

/** Why a text is neither `none`, an address nor a network; `undefined` where it is one of them. */
export function nextHopProblem(text: string): string | undefined {
  if (text === NONE || networkOf(text) !== undefined) return undefined;
  return 'must be an address, a network such as 10.0.0.0/8, or none';
}

/** Compiles a range whose `nextHops` have no {@link nextHopProblem}. */
export function rangeTest({ from, to, nextHops }: InterfaceRange): RangeTest {
  const inIndexes: RangeTest = ({ ifIndex }) => ifIndex >= from && ifIndex <= to;
  if (nextHops === undefined) return inIndexes;
  const networks = new BlockList();
  for (const { address, length, family } of nextHops.flatMap((text) => networkOf(text) ?? [])) {
    networks.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6');
  }
  const allowsNone = nextHops.includes(NONE);
  return (key) => {
    if (!inIndexes(key)) return false;
    if (key.nextHop === NO_NEXT_HOP) return allowsNone;
    return networks.check(key.nextHop, isIP(key.nextHop) === 4 ? 'ipv4' : 'ipv6');
  };
}

interface Network {
  readonly address: string;
  readonly length: number;
  readonly family: 4 | 6;
}

function networkOf(text: string): Network | undefined {
  const [address = '', lengthText, ...rest] = text.split('/');
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || rest.length > 0 || address.includes('%')) return undefined;
  if (lengthText === undefined) return { address, length: BITS[family], family };
  const length = /^(0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) : Number.NaN;
  return length <= BITS[family] ? { address, length, family } : undefined;
}
