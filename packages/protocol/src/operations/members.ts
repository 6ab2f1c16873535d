import * as v from 'valibot';
import { parseNextHop } from '../address.ts';
import {
  faultInGroup,
  faultInSource,
  groupText,
  parseGiven,
  sourceText,
  type GivenAddress,
  type GroupText,
  type SourceText,
} from '../entries.ts';
import type { InterfaceKey, NextHop, SessionId } from '../ids.ts';
import { ADDRESS, fieldPath, ifIndex, page, positive, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';
import type { MembershipPage } from './groups.ts';

/** Lists memberships, page by page. */
export const members = READ satisfies OperationFlags;

const fields = request(page, {
  group: v.optional(v.unknown()),
  source: v.optional(v.unknown()),
  session: v.optional(positive),
  ifIndex: v.optional(ifIndex),
  nextHop: v.optional(v.unknown()),
});

type Fields = v.InferOutput<typeof fields>;

/** Which memberships to list; all filters must match. Membership contract, section 4.4. */
export interface MemberFilter {
  /** Absent: all entries. A wildcard: the (*,*) of its family. */
  readonly group?: GroupText;
  /** Absent: any source. A wildcard: (*,g) only. */
  readonly source?: SourceText;
  readonly interface?: InterfaceKey;
}

type MembersRequest = Omit<Fields, 'group' | 'source' | 'ifIndex' | 'nextHop'> & MemberFilter;

export const membersRequest = v.pipe(
  fields,
  v.rawTransform<Fields, MembersRequest>(({ dataset, addIssue, NEVER }) => {
    const { group, source, ifIndex: index, nextHop, ...rest } = dataset.value;
    const read = readFilter(group ?? undefined, source ?? undefined, index, nextHop ?? undefined);
    if (!('field' in read)) return { ...rest, ...read };
    addIssue({ message: read.must, path: fieldPath(read.field) });
    return NEVER;
  }),
);

function readFilter(
  group: unknown,
  source: unknown,
  index: number | undefined,
  hop: unknown,
): MemberFilter | { readonly field: string; readonly must: string } {
  if (source !== undefined && group === undefined) {
    return { field: 'source', must: 'must not be given without `group`' };
  }
  if (hop !== undefined && index === undefined) {
    return { field: 'nextHop', must: 'must not be given without `ifIndex`' };
  }
  const nextHop = parseNextHop(hop);
  if (nextHop === undefined) return { field: 'nextHop', must: ADDRESS };
  const entry = group === undefined ? {} : readEntryFilter(group, source);
  if ('field' in entry) return entry;
  return { ...entry, ...(index !== undefined && { interface: { ifIndex: index, nextHop } }) };
}

function readEntryFilter(
  group: unknown,
  source: unknown,
): Pick<MemberFilter, 'group' | 'source'> | { readonly field: string; readonly must: string } {
  const given = parseGiven(group);
  if (given === undefined) return { field: 'group', must: ADDRESS };
  const from: GivenAddress | undefined = parseGiven(source);
  if (from === undefined) return { field: 'source', must: ADDRESS };
  const fault = faultInGroup(given) ?? faultInSource(given, from);
  if (fault?.refusal === 'badRequest') return { field: fault.field, must: fault.must };
  return { group: groupText(given), ...(source !== undefined && { source: sourceText(from) }) };
}

/** A membership of a listing. */
export type MemberListing = readonly [
  group: GroupText,
  source: SourceText,
  ifIndex: number,
  nextHop: NextHop,
  /** The present session of the holder; 0 of a static membership. */
  session: SessionId,
  /** The present session of the client that the membership counts for; 0 for nobody: the owner set `advise`, or a static one is dormant. */
  countsFor: SessionId,
  /** The exclude list of a (*,g), where it is not empty. */
  exclude?: readonly SourceText[],
];

export interface MembersReply extends MembershipPage {
  readonly items: readonly MemberListing[];
}
