import { isMembershipEvent } from '@mgm/protocol';
import type { InterfaceKey, MembershipEvent } from '@mgm/protocol';
import { keyText } from '../interfaces/refs.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { decodePushed, type Success } from '../rpc/messages.ts';
import { sessionPages, unlessCompacted } from '../rpc/pages.ts';
import { catchUp, follow } from '../watch/follow.ts';
import type { FollowedLog, FollowOptions, Listing, SightingOf } from '../watch/follow.ts';
import { memberPages, type ListedMembership } from './listings.ts';
import { entryText } from './refs.ts';

/** A membership of a snapshot. Its client is named by the pair also after it has another session; 0 and 0 of a static one. */
export interface WatchedMembership extends ListedMembership {
  readonly protocolId: number;
  readonly componentId: number;
}

/**
 * An item of a watch of memberships. A snapshot has all of them at the membership revision `mrev`. An event has up to 256
 * memberships.
 */
export type MembershipSighting = SightingOf<
  { readonly memberships: readonly WatchedMembership[] },
  { readonly mrev: number },
  MembershipEvent
>;

interface Memberships {
  readonly memberships: readonly WatchedMembership[];
}

/** The largest page of the wire contract. */
const PAGE_ITEMS = 1_000;

/** All memberships of a router and their changes, without gaps: see {@link follow}. Throws `MgmError` if it can't continue. */
export function watchMemberships(
  context: Context,
  options: FollowOptions = {},
): AsyncGenerator<MembershipSighting, void, undefined> {
  return follow(context, memberLog(context), options);
}

function memberLog(
  context: Context,
): FollowedLog<Memberships, { readonly mrev: number }, MembershipEvent> {
  return {
    subject: (subjects, router) => subjects.allMemberships(router),
    decode: (bytes) => decodePushed(bytes, isMembershipEvent),
    revsOf: ({ first, mrev }) => ({ first, last: mrev }),
    headOf: ({ mrev }) => mrev,
    isReset: () => false,
    at: (mrev) => ({ mrev }),
    read: (from, signal) => readMemberLog(context, from, signal),
    list: (signal) => listMemberships(context, signal),
  };
}

async function readMemberLog(
  context: Context,
  from: number,
  signal: AbortSignal,
): Promise<Success<'member.events'> | 'compacted'> {
  const fields = { from, limit: PAGE_ITEMS };
  return await unlessCompacted(requestGranted(context, 'member.events', fields, { signal }));
}

/**
 * Lists the memberships at one revision, although the pages are read while they change. `undefined` if the log was cut or lost
 * meanwhile, or if a client is not known.
 */
async function listMemberships(
  context: Context,
  signal: AbortSignal,
): Promise<Listing<Memberships> | undefined> {
  const clients = new Map<number, Client>([[STATIC_SESSION, STATIC_CLIENT]]);
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
  const begin = { rev: first.mrev, log: first.log, ts: 0 };
  const apply = (event: MembershipEvent) => applyEvent(listed, event);
  const end = await catchUp(memberLog(context), begin, apply, signal);
  return end && { ...end, state: { memberships: [...listed.values()] } };
}

interface Client {
  readonly protocolId: number;
  readonly componentId: number;
}

/** Static memberships have no session; events name their holder with zeros. */
const STATIC_SESSION = 0;
const STATIC_CLIENT: Client = { protocolId: 0, componentId: 0 };

async function learnClients(
  context: Context,
  clients: Map<number, Client>,
  signal: AbortSignal,
): Promise<void> {
  for await (const page of sessionPages(context, { limit: PAGE_ITEMS, signal })) {
    for (const { session, protocolId, componentId } of page) {
      clients.set(session, { protocolId, componentId });
    }
  }
}

function applyEvent(listed: Map<string, WatchedMembership>, event: MembershipEvent): void {
  const { type, session, countsFor, protocolId, componentId, items } = event;
  for (const [group, source, ifIndex, nextHop, exclude = []] of items) {
    const list = exclude.length > 0 && { exclude };
    const membership = { group, source, ifIndex, nextHop, session, countsFor, ...list };
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
