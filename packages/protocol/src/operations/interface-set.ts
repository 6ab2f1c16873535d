import * as v from 'valibot';
import { ackUpToSeq, epoch, flag, localMembers, onInterface, request, sequence } from './fields.ts';
import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Changes the settings of an interface that the session owns. */
export const interfaceSet = SEQUENCED satisfies OperationFlags;

const fields = request(sequence, onInterface, {
  epoch: v.optional(epoch),
  localMembers: v.optional(localMembers),
  wrongIf: v.optional(flag),
});

export const interfaceSetRequest = v.pipe(fields, ackUpToSeq<v.InferOutput<typeof fields>>());

export interface InterfaceSetReply {
  /** Whether any setting is different now. */
  readonly changed: boolean;
}
