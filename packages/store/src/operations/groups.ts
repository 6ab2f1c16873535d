import { entryNamed, type EntryListing, type GroupListing } from '@mgm/protocol';
import type { GroupItem } from '../generated/arbiter.ts';
import { NO_HANDLE, readHandle } from '../names.ts';
import { readEntryCursor, writeEntryCursor } from './cursor.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused } from './refusals.ts';

export const groups: StoreOperation<'groups', 'groups'> = {
  script: 'groups',
  args: ({ handle, type, cursor, limit }) => ({
    handle: handle === undefined ? NO_HANDLE : readHandle(handle),
    isAnonymous: handle === undefined,
    any: type === 'any',
    after: readEntryCursor(cursor).after,
    limit,
  }),
  reply: ({ reply, batch }, { handle, type }) => {
    if (reply.kind !== 'page') return sessionRefused(reply);
    const { mrev, settled } = batch.members;
    return {
      status: 0,
      items: type === 'any' ? reply.items.map(groupListing) : reply.items.map(entryListing),
      ...(handle !== undefined && { mailbox: reply.mailbox }),
      ...(reply.after !== '' && { cursor: writeEntryCursor({ after: reply.after, slot: 0 }) }),
      mrev,
      settled,
      log: batch.log,
    };
  },
};

function entryListing({ entry, clients, others, own, isLocal }: GroupItem): EntryListing {
  const { group, source } = entryNamed(entry);
  return [group, source, clients, others, own, isLocal];
}

function groupListing({ entry }: GroupItem): GroupListing {
  return [entryNamed(entry).group];
}
