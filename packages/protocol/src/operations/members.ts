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
import { ADDRESS, ifIndex, page, positive, reading, request, type Wrong } from './fields.ts';
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
  reading(({ group, source, ifIndex: index, nextHop, ...rest }: Fields): MembersRequest | Wrong => {
    const read = readFilter(group ?? undefined, source ?? undefined, index, nextHop ?? undefined);
    return 'wrong' in read ? read : { ...rest, ...read };
  }),
);

function readFilter(
  group: unknown,
  source: unknown,
  index: number | undefined,
  hop: unknown,
): MemberFilter | Wrong {
  if (source !== undefined && group === undefined) {
    return { wrong: 'must not be given without `group`', at: ['source'] };
  }
  if (hop !== undefined && index === undefined) {
    return { wrong: 'must not be given without `ifIndex`', at: ['nextHop'] };
  }
  const nextHop = parseNextHop(hop);
  if (nextHop === undefined) return { wrong: ADDRESS, at: ['nextHop'] };
  const entry = group === undefined ? {} : readEntryFilter(group, source);
  if ('wrong' in entry) return entry;
  return { ...entry, ...(index !== undefined && { interface: { ifIndex: index, nextHop } }) };
}

function readEntryFilter(
  group: unknown,
  source: unknown,
): Pick<MemberFilter, 'group' | 'source'> | Wrong {
  const given = parseGiven(group);
  if (given === undefined) return { wrong: ADDRESS, at: ['group'] };
  const from: GivenAddress | undefined = parseGiven(source);
  if (from === undefined) return { wrong: ADDRESS, at: ['source'] };
  const fault = faultInGroup(given) ?? faultInSource(given, from);
  if (fault?.refusal === 'badRequest') return { wrong: fault.must, at: [fault.field] };
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
  /** The present session of the client that the membership counts for; 0 for none: the owner set `advise`, or a static one is dormant. */
  countsFor: SessionId,
  /** The exclude list of a (*,g), where it is not empty. */
  exclude?: readonly SourceText[],
];

export interface MembersReply extends MembershipPage {
  readonly items: readonly MemberListing[];
}
