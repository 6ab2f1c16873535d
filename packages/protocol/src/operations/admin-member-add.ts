import * as v from 'valibot';
import { parseGiven, readEntry, type Entry } from '../entries.ts';
import { ADDRESS, onInterface, reading, reasonText, request, type Wrong } from './fields.ts';
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
  reading(
    ({ group, source, ...rest }: Fields): (Omit<Fields, 'group' | 'source'> & Entry) | Wrong => {
      const given = parseGiven(group);
      if (given === undefined) return { wrong: ADDRESS, at: ['group'] };
      const from = parseGiven(source);
      if (from === undefined) return { wrong: ADDRESS, at: ['source'] };
      const read = readEntry(given, from);
      if ('entry' in read) return { ...rest, ...read.entry };
      const { must: wrong, refusal } = read.fault;
      const field = read.fault.refusal === 'badRequest' ? read.fault.field : 'source';
      return { wrong, at: [field], refusal };
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
