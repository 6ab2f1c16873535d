import * as v from 'valibot';
import {
  groupText,
  parseGiven,
  readEntry,
  sourceText,
  type Entry,
  type GivenAddress,
} from '../entries.ts';
import { Limits } from '../limits.ts';
import {
  ADDRESS,
  ackUpToSeq,
  epoch,
  onInterface,
  oneOf,
  reading,
  request,
  sequence,
  type Wrong,
} from './fields.ts';
import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Replaces all memberships of a session for a group on an interface. */
export const memberSet = SEQUENCED satisfies OperationFlags;

/** The filter modes of a group. Forwarding contract, section 9. */
export type FilterMode = 'include' | 'exclude' | 'none';

const SOURCES = `must be a list of at most ${Limits.filterSources} addresses`;

const fields = request(sequence, onInterface, {
  group: v.unknown(),
  mode: oneOf(['include', 'exclude', 'none'], 'must be "include", "exclude" or "none"'),
  sources: v.custom<readonly unknown[]>(
    (value) => Array.isArray(value) && value.length <= Limits.filterSources,
    SOURCES,
  ),
  epoch: v.optional(epoch),
});

type Fields = v.InferOutput<typeof fields>;

/** What a session wants of a group: its entries, and for `exclude` the sources that it does not want. */
export interface GroupFilter {
  readonly mode: FilterMode;
  /** (*,g), which also names the group. */
  readonly any: Entry;
  /** Of `include` those that are wanted, of `exclude` those that are not. */
  readonly sources: readonly Entry[];
}

type FilterRequest = Omit<Fields, 'group' | 'mode' | 'sources'> & GroupFilter;

export const memberSetRequest = v.pipe(
  fields,
  ackUpToSeq<Fields>(),
  reading(({ group, mode, sources, ...rest }: Fields): FilterRequest | Wrong => {
    const filter = readFilter(group, mode, sources);
    return 'wrong' in filter ? filter : { ...rest, ...filter };
  }),
);

const WILDCARD: GivenAddress = { kind: 'wildcard', family: 4 };

function readFilter(
  given: unknown,
  mode: FilterMode,
  sources: readonly unknown[],
): GroupFilter | Wrong {
  const wrong = (at: Wrong['at'], must: string): Wrong => ({ wrong: must, at });
  const group = parseGiven(given);
  if (group === undefined) return wrong(['group'], ADDRESS);
  if (group.kind === 'wildcard') return wrong(['group'], 'must be a group, not a wildcard');
  if (mode === 'none' && sources.length > 0) return wrong(['sources'], 'must be empty for `none`');
  const entries: Entry[] = [];
  const seen = new Set<string>();
  for (const [at, value] of sources.entries()) {
    const source = parseGiven(value);
    if (source?.kind !== 'address') return wrong(['sources', at], 'must be a unicast address');
    const read = readEntry(group, source);
    if ('fault' in read) {
      const isGroup = read.fault.refusal === 'badRequest' && read.fault.field === 'group';
      return wrong(isGroup ? ['group'] : ['sources', at], read.fault.must);
    }
    if (seen.has(read.entry.source)) return wrong(['sources', at], 'must not be there twice');
    seen.add(read.entry.source);
    entries.push(read.entry);
  }
  const any = readEntry(group, WILDCARD);
  if ('entry' in any) return { mode, any: any.entry, sources: entries };
  const { fault } = any;
  if (fault.refusal === 'badRequest') return wrong(['group'], fault.must);
  if (mode === 'exclude') return { ...wrong(['sources'], fault.must), refusal: fault.refusal };
  return { mode, any: { group: groupText(group), source: sourceText(WILDCARD) }, sources: entries };
}

/** The reply to `member.set`. */
export interface MemberSetReply {
  /** Number of memberships that were created. */
  readonly added: number;
  /** Number of memberships that were removed. */
  readonly removed: number;
  /** Whether an exclude list changed. */
  readonly updated: boolean;
  /** The membership revision after the operation. */
  readonly mrev: number;
}
