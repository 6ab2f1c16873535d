import { onInterface, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Names the present holder of an interface. */
export const owner = READ satisfies OperationFlags;

export const ownerRequest = request(onInterface);

export type { Holder as OwnerReply } from './holder.ts';
