import * as v from 'valibot';
import { ackUpToSeq, flag, request, sequence } from './fields.ts';
import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Ends a session; with `force` also one that still holds interfaces. */
export const deregister = SEQUENCED satisfies OperationFlags;

const fields = request(sequence, { force: v.optional(flag, false) });

export const deregisterRequest = v.pipe(fields, ackUpToSeq<v.InferOutput<typeof fields>>());
