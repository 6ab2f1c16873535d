import {
  entryName,
  entryNamed,
  sourcesIn,
  type MemberFilter,
  type SourceText,
} from '@mgm/protocol';
import { interfaceName, NO_SESSION } from '../names.ts';
import { readEntryCursor, writeEntryCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';

export const members: StoreOperation<'members', 'members'> = {
  script: 'members',
  args: (request) => ({
    ...boundsOf(request),
    ...readEntryCursor(request.cursor),
    limit: request.limit,
    session: request.session ?? 0,
    interface: request.interface ? interfaceName(request.interface) : '',
  }),
  reply: ({ reply, batch }) => ({
    status: 0,
    items: reply.items.map(
      ({ entry, interface: { ifIndex, nextHop }, session, countsFor, exclude }) => {
        const { group, source } = entryNamed(entry);
        return [
          group,
          source,
          ifIndex,
          nextHop,
          session ?? NO_SESSION,
          countsFor ?? NO_SESSION,
          ...excludeOf(entry, exclude),
        ];
      },
    ),
    ...(reply.after !== '' && { cursor: writeEntryCursor(reply) }),
    mrev: batch.members.mrev,
    settled: batch.members.settled,
    log: batch.log,
  }),
};

/** The exclude list of a (*,g), where it has one. */
function excludeOf(entry: string, list: string): [] | [readonly SourceText[]] {
  return list === '' ? [] : [sourcesIn(list, entry.startsWith('6') ? 6 : 4)];
}

const { source: ANY_SOURCE } = entryNamed('4');

/** The first and last name of the entries that the filter leaves. */
function boundsOf({ group, source }: MemberFilter): { from: string; to: string } {
  if (group === undefined) return { from: '', to: '' };
  const from = entryName({ group, source: source ?? ANY_SOURCE });
  const isExact = source !== undefined || group === '' || group === '::';
  // Names of one group differ in hexadecimal digits at the end, which sort before `g`.
  return { from, to: isExact ? from : `${from}g` };
}
