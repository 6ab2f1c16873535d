import { entryNamed, type EntryListing, type GroupListing } from '@mgm/protocol';
import { itemsOf } from '../membership-messages.ts';
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
      items: itemsOf<EntryListing | GroupListing>(
        reply.items,
        type === 'any' ? groupListing : entryListing,
      ),
      ...(handle !== undefined && { mailbox: reply.mailbox }),
      ...(reply.after !== '' && { cursor: writeEntryCursor({ after: reply.after, slot: 0 }) }),
      mrev,
      settled,
      log: batch.log,
    };
  },
};

/** The flags are `others`, `own`, `local` and `notified`, each 0 or 1: see lua/operations/groups.lua. */
function entryListing([entry = '', clients = '', flags = '']: readonly string[]): EntryListing {
  const { group, source } = entryNamed(entry);
  const [others = false, own = false, local = false, notified = false] = Array.from(
    flags,
    (one) => one === '1',
  );
  return [group, source, Number(clients), others, own, local, notified];
}

function groupListing([entry = '']: readonly string[]): GroupListing {
  return [entryNamed(entry).group];
}
