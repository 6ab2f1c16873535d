import * as v from 'valibot';
import { epoch, onInterface, reasonText, request } from './fields.ts';
import type { OperationFlags } from './flags.ts';
import type { Holder } from './holder.ts';

/** An operator releases an interface, with `epoch` only what is held under it. Not repeated by itself: the next owner could lose it. */
export const adminRelease = {} as const satisfies OperationFlags;

export const adminReleaseRequest = request(onInterface, {
  epoch: v.optional(epoch),
  actor: reasonText,
  why: reasonText,
});

export interface AdminReleaseReply {
  readonly previous: Holder;
}
