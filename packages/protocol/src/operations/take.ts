import * as v from 'valibot';
import type { RefusalFields } from '../errors.ts';
import type { Epoch } from '../ids.ts';
import { Limits } from '../limits.ts';
import {
  ackUpToSeq,
  epochList,
  fieldPath,
  gatherTargets,
  localMembers,
  request,
  sequence,
  targetFields,
} from './fields.ts';
import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Takes interfaces for a session. */
export const take = SEQUENCED satisfies OperationFlags;

const fields = request(sequence, targetFields, {
  held: v.optional(epochList(Limits.bulk)),
  localMembers: v.optional(localMembers),
});

export const takeRequest = v.pipe(
  fields,
  ackUpToSeq<v.InferOutput<typeof fields>>(),
  gatherTargets<v.InferOutput<typeof fields>>(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { held, targets } = dataset.value;
    if (held === undefined || held.length === targets.length) return;
    const message = `must name an epoch for each of ${targets.length} interfaces, "0" for none`;
    addIssue({ message, path: fieldPath('held') });
  }),
);

/** The result for one interface of a bulk request. */
export type BulkResult = { readonly status: 0; readonly epoch?: Epoch } | RefusalFields;

export interface TakeReply {
  /** Of the single form. */
  readonly epoch?: Epoch;
  /** Of the bulk form, in the order of the request. */
  readonly results?: readonly BulkResult[];
}
