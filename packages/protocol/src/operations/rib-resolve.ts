import * as v from 'valibot';
import { isUnspecified, parseAddress } from '../address.ts';
import { addressHex, isSource } from '../entries.ts';
import type { NextHop } from '../ids.ts';
import { reading, request, type Wrong } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';
import type { Holder } from './holder.ts';

/** Looks up the route to a source, and the owner of its interface. */
export const ribResolve = READ satisfies OperationFlags;

const fields = request({ source: v.unknown() });

type Fields = v.InferOutput<typeof fields>;

export const ribResolveRequest = v.pipe(
  fields,
  reading(({ source, ...rest }: Fields): (Fields & { readonly source: string }) | Wrong => {
    const address = parseAddress(source);
    if (address !== undefined && !isUnspecified(address) && isSource(address)) {
      return { ...rest, source: `${address.family}${addressHex(address)}` };
    }
    return { wrong: 'must be a unicast address of a host', at: ['source'] };
  }),
);

/** The best route to a source. */
export interface RibResolveReply {
  readonly network: string;
  readonly length: number;
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /** The upstream router, `''` for none. */
  readonly neighbour: NextHop;
  /** The originator of the route. */
  readonly protocolId: number;
  /** The routing protocol that owns the interface, or IGMP where it is alone there. Absent where no client is. */
  readonly owner?: Holder;
}
