import * as v from 'valibot';
import { ackUpToSeq, epoch, gatherTargets, request, sequence, targetFields } from './fields.ts';
import { SEQUENCED, type OperationFlags } from './flags.ts';
import type { BulkResult } from './take.ts';

/** Gives interfaces back. */
export const release = SEQUENCED satisfies OperationFlags;

const fields = request(sequence, targetFields, { epoch: v.optional(epoch) });

export const releaseRequest = v.pipe(
  fields,
  ackUpToSeq<v.InferOutput<typeof fields>>(),
  gatherTargets<v.InferOutput<typeof fields>>(),
);

export interface ReleaseReply {
  /** Of the bulk form, in the order of the request. */
  readonly results?: readonly BulkResult[];
}
