import { eventually } from '@mgm/test-support';
import { expect } from 'vitest';
import type { Callback, Item, MembershipMessage } from './raw-operations.ts';
import type { RawRouter, RawSession } from './raw-client.ts';
import type { Fields } from './raw-codec.ts';
import { ok } from './raw-replies.ts';

/** The types of section 4.1, in the order of the contract. */
export const ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN', 'LOCAL_LEAVE'] as const;

/** Far above the time of a purge, on a busy machine. */
const SETTLED_WITHIN_MS = 30_000;

/** The elements of an item of `groups` or `members`: readers ignore more. */
const ELEMENTS = 6;

/** All pages of `groups` or `members`. */
export async function listAll(
  router: RawRouter,
  op: 'groups' | 'members',
  fields: Fields = {},
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let cursor: unknown; ;) {
    const page = ok(await router.request(op, { limit: 1000, ...fields, cursor }));
    items.push(...page.items.map((item) => item.slice(0, ELEMENTS)));
    cursor = page.cursor;
    if (cursor === undefined) return items;
  }
}

/** Every membership event above `mrev`, page by page. */
export async function membershipsAfter(
  router: RawRouter,
  mrev: number,
): Promise<readonly MembershipMessage[]> {
  const found: MembershipMessage[] = [];
  for (let from = mrev; ;) {
    const page = ok(await router.request('member.events', { from, limit: 1000 }));
    found.push(...page.events);
    from = found.at(-1)?.mrev ?? from;
    if (page.events.length === 0 || from >= page.head) return found;
  }
}

/** Every callback above `from` in the mailbox of a session, page by page. */
export async function mailAfter(session: RawSession, from = 0): Promise<readonly Callback[]> {
  const found: Callback[] = [];
  for (let last = from; ;) {
    const page = await session.mailbox(last);
    if (page.length === 0) return found;
    found.push(...page);
    last = page.at(-1)?.seq ?? last;
  }
}

/** The alerts above `from` in the mailbox of a session. */
export async function alertsAfter(session: RawSession, from = 0): Promise<readonly Callback[]> {
  const mail = await mailAfter(session, from);
  return mail.filter(({ type }) => type === 'RESYNC' || ALERTS.some((alert) => alert === type));
}

/** Waits until every alert and `left` event that follows from ownership changes so far is written. */
export async function settled(router: RawRouter): Promise<void> {
  const { rev } = ok(await router.request('groups', { limit: 1 }));
  await eventually(
    async () => {
      const page = ok(await router.request('groups', { limit: 1 }));
      expect(page.settled).toBeGreaterThanOrEqual(rev);
    },
    { withinMs: SETTLED_WITHIN_MS, everyMs: 5 },
  );
}

/** The text of a group by its number: 225.0.0.0 and up. */
export function groupText(number: number): string {
  return `225.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
}

/** Elements of a bulk request: as many groups on one interface, from a number on. */
export function elements(ifIndex: number, count: number, first = 0): readonly Item[] {
  return Array.from({ length: count }, (_, at) => [ifIndex, '', groupText(first + at), '']);
}
