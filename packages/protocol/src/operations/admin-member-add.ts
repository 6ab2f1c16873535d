import * as v from 'valibot';
import { parseGiven, readEntry, type Entry } from '../entries.ts';
import { ADDRESS, fieldPath, onInterface, reasonText, request } from './fields.ts';
import type { OperationFlags } from './flags.ts';

/** An operator configures a static membership. Not repeated by itself: it may have been removed meanwhile. */
export const adminMemberAdd = {} as const satisfies OperationFlags;

const fields = request(
  onInterface,
  { group: v.optional(v.unknown()), source: v.optional(v.unknown()) },
  { actor: reasonText, why: reasonText },
);

type Fields = v.InferOutput<typeof fields>;

/** The request of `admin.member.add` and `admin.member.delete`. Membership contract, section 2; forwarding contract, section 10. */
export const staticMembershipRequest = v.pipe(
  fields,
  v.rawTransform<Fields, Omit<Fields, 'group' | 'source'> & Entry>(
    ({ dataset, addIssue, NEVER }) => {
      const { group, source, ...rest } = dataset.value;
      const refuse = (field: string, message: string, expected?: string): never => {
        addIssue({ message, path: fieldPath(field), ...(expected !== undefined && { expected }) });
        return NEVER;
      };
      const given = parseGiven(group);
      if (given === undefined) return refuse('group', ADDRESS);
      const from = parseGiven(source);
      if (from === undefined) return refuse('source', ADDRESS);
      const read = readEntry(given, from);
      if ('entry' in read) return { ...rest, ...read.entry };
      const { fault } = read;
      const field = fault.refusal === 'badRequest' ? fault.field : 'source';
      return refuse(field, fault.must, fault.refusal);
    },
  ),
);

export { staticMembershipRequest as adminMemberAddRequest };

export interface StaticMembershipReply {
  /** Whether a membership was configured or removed. */
  readonly changed: boolean;
  /** The membership revision after the operation. */
  readonly mrev: number;
}
