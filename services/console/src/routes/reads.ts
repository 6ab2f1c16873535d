import {
  isMgmError,
  VERSION,
  type EventMessage,
  type AgentItem,
  type ListedMembership,
  type Mgm,
  type ReportedMfe,
} from '@mgm/client';
import { Hono, type Context } from 'hono';
import type {
  About,
  AgentList,
  AuditPage,
  EventPage,
  Found,
  FoundGroups,
  FoundMembers,
  FoundMfes,
  FoundRoutes,
  History,
  InterfaceRef,
  InterfaceSettings,
  ReplicaList,
  SessionList,
} from '../api.ts';
import type { Variables } from '../access.ts';
import type { Routers } from '../routers.ts';
import { integer, required } from './parameters.ts';

const PAGE_ITEMS = 1_000;
/** The most sessions of one answer. */
const SESSIONS_MAX = 5_000;
/** The most changes of an interface that are shown. */
const HISTORY_MAX = 200;
/** The most matches of a search, and the most items that one search looks at. */
const FOUND_MAX = 500;
const SEARCHED_MAX = 200_000;
/** The name of a router that need not exist, for questions about all routers. */
const ANY_ROUTER = 'console';

/** The requests that change nothing. */
export function readRoutes(routers: Routers, first: string): Hono<{ Variables: Variables }> {
  return new Hono<{ Variables: Variables }>()
    .get('/about', async (c) => {
      const mgm = await routers.client(first || ANY_ROUTER);
      const found = await mgm.routers({ signal: c.req.raw.signal });
      const router = first || (found[0]?.router ?? '');
      const about: About = { version: VERSION, user: c.get('user'), router, routers: found };
      return c.json(about);
    })
    .get('/replicas', async (c) => {
      const mgm = await routers.client(first || ANY_ROUTER);
      const list: ReplicaList = { replicas: await mgm.replicas({ signal: c.req.raw.signal }) };
      return c.json(list);
    })
    .get('/:router/sessions', async (c) => {
      const mgm = await routers.client(c.req.param('router'));
      const all = mgm.sessions({ limit: PAGE_ITEMS, signal: c.req.raw.signal });
      const { items: sessions, hasMore } = await firstOf(all, SESSIONS_MAX);
      const list: SessionList = { sessions, hasMore };
      return c.json(list);
    })
    .get('/:router/events', async (c) => {
      const from = required('from', integer(c, 'from'));
      const mgm = await routers.client(c.req.param('router'));
      const {
        events,
        first: oldest,
        head,
      } = await mgm.events(from, {
        limit: integer(c, 'limit', PAGE_ITEMS) ?? FOUND_MAX,
        signal: c.req.raw.signal,
      });
      const page: EventPage = { events, first: oldest, head };
      return c.json(page);
    })
    .get('/:router/history', async (c) => {
      const ifIndex = required('ifIndex', integer(c, 'ifIndex', 0xffff_ffff));
      const ref = { ifIndex, nextHop: c.req.query('nextHop') };
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await historyOf(mgm, ref, c.req.raw.signal));
    })
    .get('/:router/audit', async (c) => {
      const { signal } = c.req.raw;
      const mgm = await routers.client(c.req.param('router'));
      const { head } = await mgm.adminEvents(0, { limit: 1, signal });
      const from = integer(c, 'from') ?? Math.max(0, head - FOUND_MAX);
      const { events, first: oldest } = await mgm.adminEvents(from, { limit: FOUND_MAX, signal });
      const page: AuditPage = { events, first: oldest, head };
      return c.json(page);
    })
    .get('/:router/groups', async (c) => {
      const mgm = await routers.client(c.req.param('router'));
      const all = mgm.groups({ limit: PAGE_ITEMS, signal: c.req.raw.signal });
      const found: FoundGroups = await searchIn(all, matchesEntry(searchOf(c)));
      return c.json(found);
    })
    .get('/:router/members', async (c) => {
      const { group, source, nextHop } = c.req.query();
      const filter = {
        ...(group !== undefined && { group }),
        ...(source !== undefined && { source }),
        ...(nextHop !== undefined && { nextHop }),
        session: integer(c, 'session'),
        ifIndex: integer(c, 'ifIndex', 0xffff_ffff),
      };
      const mgm = await routers.client(c.req.param('router'));
      const all = mgm.members({ ...filter, limit: PAGE_ITEMS, signal: c.req.raw.signal });
      const found: FoundMembers = await firstOf(all, FOUND_MAX);
      return c.json(found);
    })
    .get('/:router/settings', async (c) => {
      const ifIndex = required('ifIndex', integer(c, 'ifIndex', 0xffff_ffff));
      const ref = { ifIndex, nextHop: c.req.query('nextHop') ?? '' };
      const mgm = await routers.client(c.req.param('router'));
      return c.json(await settingsOf(mgm, ref, c.get('user'), c.req.raw.signal));
    })
    .get('/:router/mfes', async (c) => {
      const mgm = await routers.client(c.req.param('router'));
      const all = mgm.mfes({ limit: PAGE_ITEMS, signal: c.req.raw.signal });
      const found: FoundMfes = await searchIn(all, matchesEntry(searchOf(c)));
      return c.json(found);
    })
    .get('/:router/mfe', async (c) => {
      const ref = {
        group: required('group', c.req.query('group')),
        source: required('source', c.req.query('source')),
      };
      const mgm = await routers.client(c.req.param('router'));
      const mfe: ReportedMfe = await mgm.getMfe(ref, { signal: c.req.raw.signal });
      return c.json(mfe);
    })
    .get('/:router/routes', async (c) => {
      const search = searchOf(c);
      const mgm = await routers.client(c.req.param('router'));
      const all = mgm.routes({ limit: PAGE_ITEMS, signal: c.req.raw.signal });
      const found: FoundRoutes = await searchIn(all, ({ network, length, neighbour }) =>
        `${network}/${length} ${neighbour}`.includes(search),
      );
      return c.json(found);
    })
    .get('/:router/agents', async (c) => {
      const mgm = await routers.client(c.req.param('router'));
      const list: AgentList = await agentsOf(mgm, c.req.raw.signal);
      return c.json(list);
    });
}

async function agentsOf(mgm: Mgm, signal: AbortSignal): Promise<AgentList> {
  let frev = 0;
  async function* all(): AsyncGenerator<AgentItem> {
    for await (const page of mgm.agentPages({ limit: PAGE_ITEMS, signal })) {
      ({ frev } = page);
      yield* page.agents;
    }
  }
  const { items: agents, hasMore } = await firstOf(all(), SESSIONS_MAX);
  return { agents, frev, hasMore };
}

async function settingsOf(
  mgm: Mgm,
  ref: InterfaceRef,
  actor: string,
  signal: AbortSignal,
): Promise<InterfaceSettings> {
  // Without a setting it only reads.
  const limits = await mgm.adminSetInterface({ ...ref, actor, why: 'console' }, { signal });
  const { maxGroups, maxEntries, lite } = limits;
  const all = mgm.members({ ...ref, limit: PAGE_ITEMS, signal });
  const { items, hasMore } = await firstOf(all, SEARCHED_MAX);
  return {
    ...{ maxGroups, maxEntries, lite },
    groups: new Set(items.map(({ group }) => group).filter(isGroup)).size,
    memberships: items.length,
    hasMore,
    ...localMembersIn(items),
    static: items.filter(({ session }) => session === 0),
  };
}

/** The wildcard is of no group. */
function isGroup(group: string): boolean {
  return group !== '' && group !== '::';
}

/** A membership that counts for another session than its own is one of IGMP next to an owner. */
function localMembersIn(items: readonly ListedMembership[]) {
  const local = items.find(({ session, countsFor }) => session !== 0 && session !== countsFor);
  if (!local) return {};
  return { localMembers: local.countsFor === 0 ? ('advise' as const) : ('forward' as const) };
}

/** The text that a search looks for. */
function searchOf(c: Context): string {
  return (c.req.query('search') ?? '').trim().toLowerCase();
}

function matchesEntry(search: string) {
  return ({ group, source }: { readonly group: string; readonly source: string }): boolean =>
    group.includes(search) || source.includes(search);
}

/** The first items of a listing. */
async function firstOf<Item>(items: AsyncIterable<Item>, most: number): Promise<Found<Item>> {
  return await searchIn(items, () => true, most);
}

/** The first matches, of a bounded part of a listing. */
async function searchIn<Item>(
  items: AsyncIterable<Item>,
  matches: (item: Item) => boolean,
  most = FOUND_MAX,
): Promise<Found<Item>> {
  const found: Item[] = [];
  let searched = 0;
  for await (const item of items) {
    if (searched === SEARCHED_MAX || found.length === most) {
      return { items: found, searched, hasMore: true };
    }
    searched += 1;
    if (matches(item)) found.push(item);
  }
  return { items: found, searched, hasMore: false };
}

/** The newest changes of an interface that the log still has, with those of the sessions that held it. */
async function historyOf(
  mgm: Mgm,
  ref: { readonly ifIndex: number; readonly nextHop: string | undefined },
  gone: AbortSignal,
): Promise<History> {
  const found = new AbortController();
  const signal = AbortSignal.any([gone, found.signal]);
  const events: EventMessage[] = [];
  let total = 0;
  for await (const one of mgm.watch({ from: await logBegin(mgm, gone), interface: ref, signal })) {
    if (one.kind === 'synced') found.abort();
    // Until an event names the interface its holder is unknown, so events of sessions may be those of others.
    if (one.kind !== 'event' || (total === 0 && one.event.ifIndex === undefined)) continue;
    total += 1;
    events.push(one.event);
    if (events.length > HISTORY_MAX) events.shift();
  }
  return { events, hasMore: total > events.length };
}

/** The revision right before the oldest change in the log. */
async function logBegin(mgm: Mgm, signal: AbortSignal): Promise<number> {
  try {
    await mgm.events(0, { limit: 1, signal });
    return 0;
  } catch (error) {
    if (isMgmError(error, 'compacted') && error.first !== undefined) return error.first - 1;
    throw error;
  }
}
