import type {
  EntryListing,
  GroupListing,
  GroupText,
  Handle,
  MemberListing,
  MembershipPage as WirePage,
  NextHop,
  RequestFields,
  Revision,
  SessionId,
  SourceText,
} from '@mgm/protocol';
import { omitUndefined } from '../options.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { pagesOf, type PageOptions } from '../rpc/pages.ts';

/** A listed entry: (s,g), (\*,g) or (\*,\*). */
export interface ListedEntry {
  /** In canonical text; `''` is the wildcard of IPv4, `'::'` that of IPv6. */
  readonly group: GroupText;
  /** In canonical text; `''` is the wildcard. */
  readonly source: SourceText;
  /** How many clients its memberships count for. */
  readonly clients: number;
  /** Whether others than the session want it. In a listing without a session: whether any client does. */
  readonly others: boolean;
  /** Whether the session has a membership of it. Without a session false. */
  readonly own: boolean;
  /** Whether IGMP has a membership of it on an interface that the session owns. Without a session false. */
  readonly local: boolean;
  /**
   * Of an (s,g) in the enumeration of a session: whether the last alert that it was sent was a JOIN. That agrees with the
   * alerts that follow, so the state of an entry begins as `notified ?? others`. `undefined` of other entries, without a
   * session, and from managers without a multicast view.
   */
  readonly notified?: boolean | undefined;
}

/** A listed group, whatever its sources. */
export interface ListedGroup {
  /** In canonical text. */
  readonly group: GroupText;
}

/** A listed membership. */
export interface ListedMembership {
  readonly group: GroupText;
  readonly source: SourceText;
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /** The present session of the client that holds it. */
  readonly session: SessionId;
  /**
   * The present session of the client that it counts for; IGMP's memberships count for the owner of the interface, if it has
   * one. 0 for none: that owner set `advise`, or a static membership is dormant because no client is on the interface.
   */
  readonly countsFor: SessionId;
  /** Of (\*,g): the sources that its holder does not want on the interface. Absent for none. */
  readonly exclude?: readonly SourceText[];
}

/** `all` (default): every entry with its source, (\*,\*) included. `any`: every group once, (\*,\*) left out. */
export type EnumerationType = 'all' | 'any';

/** Which groups to list. */
export interface GroupOptions extends PageOptions {
  /** Default `all`. */
  readonly type?: EnumerationType | undefined;
}

/** Which memberships to list; all conditions must match. */
export interface MemberFilter extends PageOptions {
  /** Only this group; a wildcard means the (\*,\*) of its family. */
  readonly group?: string | number | undefined;
  /** Only this source; a wildcard means (\*,g). Only together with `group`. */
  readonly source?: string | number | undefined;
  /** Only what this session holds, and what IGMP holds on interfaces that it owns. */
  readonly session?: number | undefined;
  /** Only this interface. */
  readonly ifIndex?: number | undefined;
  /** Of that interface. Absent: the interface without a next hop. */
  readonly nextHop?: string | number | undefined;
}

/** Where a page of a listing stands. */
export interface MembershipPosition {
  /** The membership revision at which the page was read. */
  readonly mrev: number;
  /** All alerts and events that follow from ownership changes up to this `rev` are written. */
  readonly settled: Revision;
  /** The log that `mrev` belongs to. */
  readonly log: string;
}

/** One page of memberships. */
export interface MemberPage extends MembershipPosition {
  readonly items: readonly ListedMembership[];
}

/** One page of groups. */
export interface GroupPage extends MembershipPosition {
  readonly items: readonly (ListedEntry | ListedGroup)[];
  /** With a session: the number of its last callback when the page was read. Alerts up to it are older than the page. */
  readonly mailbox: number;
}

/** Pages of groups; each is requested when the previous one was consumed. */
export async function* groupPages(
  context: Context,
  { type, limit, ...options }: GroupOptions,
  handle?: Handle,
): AsyncGenerator<GroupPage, void, undefined> {
  const read = (cursor: string | undefined) => {
    const fields = omitUndefined({ handle, type, limit, cursor });
    return requestGranted(context, 'groups', fields, options);
  };
  for await (const page of pagesOf(read)) {
    const items = page.items.map((item) => readItem(item, handle !== undefined));
    yield { items, mailbox: page.mailbox ?? 0, ...positionOf(page) };
  }
}

function readItem(
  item: EntryListing | GroupListing,
  hasSession: boolean,
): ListedEntry | ListedGroup {
  if (item.length === 1) return { group: item[0] };
  const [group, source, clients, others, own, local, notified] = item;
  const isExact = hasSession && source !== '' && notified !== undefined;
  return { group, source, clients, others, own, local, ...(isExact && { notified }) };
}

/** Pages of memberships; each is requested when the previous one was consumed. */
export async function* memberPages(
  context: Context,
  { group, source, session, ifIndex, nextHop, limit, ...options }: MemberFilter = {},
): AsyncGenerator<MemberPage, void, undefined> {
  const read = (cursor: string | undefined) => {
    const filter = omitUndefined({ group, source, session, ifIndex, nextHop, limit, cursor });
    const fields: RequestFields<'members'> = filter;
    return requestGranted(context, 'members', fields, options);
  };
  for await (const page of pagesOf(read)) {
    yield { items: page.items.map(readMember), ...positionOf(page) };
  }
}

function readMember(item: MemberListing): ListedMembership {
  const [group, source, ifIndex, nextHop, session, countsFor, exclude] = item;
  return { group, source, ifIndex, nextHop, session, countsFor, ...(exclude && { exclude }) };
}

function positionOf({ mrev, settled, log }: WirePage): MembershipPosition {
  return { mrev, settled, log };
}
