import { onInterface, reasonText, request } from './fields.ts';
import type { OperationFlags } from './flags.ts';
import type { Holder } from './holder.ts';

/** An operator releases an interface. Not repeated by itself: the next owner could lose it. */
export const adminRelease = {} as const satisfies OperationFlags;

export const adminReleaseRequest = request(onInterface, { actor: reasonText, why: reasonText });

export interface AdminReleaseReply {
  readonly previous: Holder;
}
