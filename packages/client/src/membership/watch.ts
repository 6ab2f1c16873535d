import { isMembershipEvent } from '@mgm/protocol';
import type { InterfaceKey, MembershipEvent, SessionId } from '@mgm/protocol';
import { isMgmError } from '../errors.ts';
import { keyText } from '../interfaces/key.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import type { Success } from '../rpc/messages.ts';
import { sessionPages } from '../rpc/pages.ts';
import { decodePushed } from '../rpc/messages.ts';
import {
  follow,
  type FollowedLog,
  type FollowOptions,
  type SnapshotPosition,
  type SnapshotReason,
} from '../watch/follow.ts';
import { memberPages, type ListedMembership } from './listings.ts';
import { entryText } from './refs.ts';

/** A membership of a snapshot. Its client is named by the pair also after it has another session. */
export interface WatchedMembership extends ListedMembership {
  readonly protocolId: number;
  readonly componentId: number;
}

/** An item of a watch of memberships. */
export type MembershipSighting =
  /** All memberships at the membership revision `mrev`; it replaces everything reported before. */
  | {
      readonly kind: 'snapshot';
      readonly reason: SnapshotReason;
      readonly memberships: readonly WatchedMembership[];
      readonly mrev: number;
      readonly log: string;
    }
  /**
   * Everything up to `mrev` was reported. Once after each snapshot, and once after `from`. A later watch can resume from
   * `mrev` and `log`.
   */
  | { readonly kind: 'synced'; readonly mrev: number; readonly log: string }
  /** One event, of up to 256 memberships. The revisions of events follow each other without gaps, except across a snapshot. */
  | { readonly kind: 'event'; readonly event: MembershipEvent };

interface Snapshot extends SnapshotPosition {
  readonly memberships: readonly WatchedMembership[];
}

/** The largest page of the wire contract. */
const PAGE_ITEMS = 1_000;

/** All memberships of a router and their changes, without gaps: see {@link follow}. Throws `MgmError` if it can't continue. */
export async function* watchMemberships(
  context: Context,
  options: FollowOptions = {},
): AsyncGenerator<MembershipSighting, void, undefined> {
  const source: FollowedLog<MembershipEvent, Snapshot> = {
    subject: (subjects, router) => subjects.allMemberships(router),
    decode: (bytes) => decodePushed(bytes, isMembershipEvent),
    revsOf: ({ first, mrev }) => ({ first, last: mrev }),
    headOf: ({ mrev }) => mrev,
    isReset: () => false,
    read: (from, signal) => readMemberLog(context, from, signal),
    list: (signal) => listMemberships(context, signal),
  };
  for await (const one of follow(context, source, options)) {
    if (one.kind === 'event') yield one;
    else if (one.kind === 'synced') yield { kind: 'synced', mrev: one.rev, log: one.log };
    else {
      const { memberships, rev: mrev, log } = one.listing;
      yield { kind: 'snapshot', reason: one.reason, memberships, mrev, log };
    }
  }
}

async function readMemberLog(
  context: Context,
  from: number,
  signal: AbortSignal,
): Promise<Success<'member.events'> | 'compacted'> {
  try {
    const fields = { from, limit: PAGE_ITEMS };
    return await requestGranted(context, 'member.events', fields, { signal });
  } catch (error) {
    if (isMgmError(error, 'compacted')) return 'compacted';
    throw error;
  }
}

/**
 * Lists the memberships at one revision, although the pages are read while they change: the events since the first page, up
 * to the then last one of the log, are applied to the pages. `undefined` if the log was cut or lost meanwhile, or if a
 * client is not known.
 */
async function listMemberships(
  context: Context,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  const clients = new Map<SessionId, Client>();
  await learnClients(context, clients, signal);
  const pages = await Array.fromAsync(memberPages(context, { limit: PAGE_ITEMS, signal }));
  // Clients that registered while the pages were read.
  await learnClients(context, clients, signal);
  const [first] = pages;
  if (!first || pages.some(({ log }) => log !== first.log)) return undefined;
  const listed = new Map<string, WatchedMembership>();
  for (const item of pages.flatMap(({ items }) => items)) {
    const client = clients.get(item.session);
    if (!client) return undefined;
    listed.set(textOf(client, item), { ...item, ...client });
  }
  return await applyEvents(context, listed, first, signal);
}

interface Client {
  readonly protocolId: number;
  readonly componentId: number;
}

async function learnClients(
  context: Context,
  clients: Map<SessionId, Client>,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of sessionPages(context, { limit: PAGE_ITEMS, signal })) {
    for (const { session, protocolId, componentId } of page) {
      clients.set(session, { protocolId, componentId });
    }
  }
}

async function applyEvents(
  context: Context,
  listed: Map<string, WatchedMembership>,
  begin: { readonly mrev: number; readonly log: string },
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  let { mrev } = begin;
  let ts = 0;
  for (let target: number | undefined; target === undefined || mrev < target;) {
    const page = await readMemberLog(context, mrev, signal);
    if (page === 'compacted' || page.log !== begin.log || page.head < mrev) return undefined;
    target ??= page.head;
    if (page.events.length === 0 && mrev < target) return undefined;
    for (const event of page.events) {
      applyEvent(listed, event);
      ({ mrev, ts } = event);
    }
  }
  return { memberships: [...listed.values()], rev: mrev, log: begin.log, ts };
}

function applyEvent(listed: Map<string, WatchedMembership>, event: MembershipEvent): void {
  const { type, session, countsFor, protocolId, componentId, items } = event;
  for (const [group, source, ifIndex, nextHop] of items) {
    const membership = { group, source, ifIndex, nextHop, session, countsFor };
    const text = textOf(event, membership);
    if (type === 'left') listed.delete(text);
    else listed.set(text, { ...membership, protocolId, componentId });
  }
}

function textOf(
  { protocolId, componentId }: Client,
  membership: ListedMembership & InterfaceKey,
): string {
  return `${protocolId}/${componentId} ${keyText(membership)} ${entryText(membership)}`;
}
