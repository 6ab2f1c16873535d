import * as v from 'valibot';
import type { GroupText, SourceText } from '../entries.ts';
import type { Revision } from '../ids.ts';
import { handle, oneOf, page, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Lists the groups that have memberships, page by page (group enumeration). */
export const groups = READ satisfies OperationFlags;

export const groupsRequest = request(page, {
  handle: v.optional(handle),
  type: v.optional(oneOf(['all', 'any'], 'must be "all" or "any"'), 'all'),
});

/** An entry of a listing of type `all`. */
export type EntryListing = readonly [
  group: GroupText,
  source: SourceText,
  /** How many clients the memberships count for. */
  clients: number,
  /** Whether others than the requesting client want the entry. */
  others: boolean,
  /** Whether the requesting client has a membership of the entry. */
  own: boolean,
  /** Whether IGMP has a membership of the entry on an interface that the requesting client owns. */
  local: boolean,
  /** Of an (s,g): whether the requesting client was notified that others want it. Absent from older managers. */
  notified?: boolean,
];

/** A group of a listing of type `any`. */
export type GroupListing = readonly [group: GroupText];

/** Where a page of memberships stands: the fields that `groups` and `members` share. */
export interface MembershipPage {
  /** Absent at the end. */
  readonly cursor?: string;
  readonly mrev: number;
  /** A value of `rev`: everything that follows from ownership changes up to it is written. */
  readonly settled: Revision;
  /** Random id of the logs. */
  readonly log: string;
}

export interface GroupsReply extends MembershipPage {
  readonly items: readonly (EntryListing | GroupListing)[];
  /** With `handle`: number of the last callback of the session. */
  readonly mailbox?: number;
}
