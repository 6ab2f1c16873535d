import type { EventMessage, ListedMembership, MembershipEvent } from '@mgm/client';
import { entryText, raisesAlerts } from '../traffic/entries.ts';
import type { Timed } from '../traffic/history.ts';
import type { Evidence, Finding } from './evidence.ts';

/** No membership without a hold of its holder on its interface (invariant V3 of the membership contract). */
export function checkMembers({ router, members, listing }: Evidence): Finding {
  const holds = new Set(
    listing.flatMap(({ ifIndex, nextHop, session, igmp }) => [
      `${session} ${ifIndex} ${nextHop}`,
      ...(igmp ? [`${igmp.session} ${ifIndex} ${nextHop}`] : []),
    ]),
  );
  const problems = members
    .filter(({ session, ifIndex, nextHop }) => !holds.has(`${session} ${ifIndex} ${nextHop}`))
    .map((one) => `${router}: membership without a hold: ${membershipText(one, one.session)}`);
  return { check: 'memberships', checked: members.length, problems };
}

/** Membership revisions have no gaps, and the events give the listing (V4). */
export function checkMemberLog({ router, log, memberLog, members }: Evidence): Finding {
  const problems: string[] = [];
  const present = presentSessions(log);
  const there = new Set<string>();
  let before = 0;
  for (const event of memberLog) {
    if (event.first !== before + 1) {
      problems.push(`${router}: mrev ${event.first} follows ${before}`);
    }
    before = event.mrev;
    problems.push(...applied(there, event, present).map((problem) => `${router}: ${problem}`));
  }
  const listed = new Set(members.map((one) => membershipText(one, one.session)));
  for (const one of there) if (!listed.has(one)) problems.push(`${router}: not listed: ${one}`);
  for (const one of listed) if (!there.has(one)) problems.push(`${router}: no event of: ${one}`);
  return { check: 'membership log', checked: before, problems };
}

/** Applies an event to the memberships before it; returns what contradicts them. */
function applied(
  there: Set<string>,
  { type, session, items, mrev }: MembershipEvent,
  present: ReadonlyMap<number, number>,
): string[] {
  return items.flatMap(([group, source, ifIndex, nextHop]) => {
    const holder = present.get(session) ?? session;
    const text = membershipText({ group, source, ifIndex, nextHop }, holder);
    if (type === 'joined' ? there.has(text) : !there.has(text)) {
      return [`mrev up to ${mrev}: ${type} although it was ${type} before: ${text}`];
    }
    if (type === 'joined') there.add(text);
    else there.delete(text);
    return [];
  });
}

/** The last session of the client of each session, by the events of inheritance. */
function presentSessions(log: readonly EventMessage[]): Map<number, number> {
  const present = new Map<number, number>();
  for (const { type, session = 0, previous = 0 } of log) {
    if (type !== 'resumed') continue;
    for (const [former, last] of present) if (last === previous) present.set(former, session);
    present.set(previous, session);
  }
  return present;
}

function membershipText(
  {
    group,
    source,
    ifIndex,
    nextHop,
  }: Pick<ListedMembership, 'group' | 'source' | 'ifIndex' | 'nextHop'>,
  session: number,
): string {
  return `${entryText([group, source])} on ${ifIndex}:${nextHop} of ${session}`;
}

/**
 * Between two listings the alerts of an entry alternate (V2), and what a resting worker knows from its last listing and the
 * alerts after it is what others want (V1).
 */
export function checkAlerts({ router, processes, resting, members }: Evidence): Finding {
  const problems: string[] = [];
  let checked = 0;
  for (const [session, entries] of entriesBySession(processes.flatMap((one) => one.entries))) {
    const { listings, alerts } = entries;
    checked += alerts.length;
    const where = `${router}: session ${session}`;
    let belief: Set<string> | undefined;
    for (const [at, { mailbox, wanted }] of listings.entries()) {
      const until = listings[at + 1]?.mailbox ?? Infinity;
      const after = alerts.filter(({ seq }) => seq > mailbox && seq <= until);
      belief = new Set(wanted);
      problems.push(...applyAlerts(belief, after).map((problem) => `${where}: ${problem}`));
      // What it knows from then on is in its next listing only.
      if (after.some(({ type }) => type === 'RESYNC')) belief = undefined;
    }
    if (!resting.includes(session)) continue;
    if (!belief) {
      problems.push(`${where}: rests without a listing since its RESYNC`);
      continue;
    }
    const wanted = wantedByOthers(members, session);
    const known = [...belief].filter(raisesAlerts);
    problems.push(
      ...known.filter((one) => !wanted.has(one)).map((one) => `${where}: believes in "${one}"`),
      ...[...wanted].filter((one) => !belief?.has(one)).map((one) => `${where}: misses "${one}"`),
    );
  }
  return { check: 'alerts', checked, problems };
}

type Alert = Timed & { readonly kind: 'alert' };
type Listing = Timed & { readonly kind: 'groups' };

function entriesBySession(
  all: readonly Timed[],
): Map<number, { readonly listings: Listing[]; readonly alerts: Alert[] }> {
  const found = new Map<number, { listings: Listing[]; alerts: Alert[] }>();
  for (const entry of all) {
    if (entry.kind !== 'alert' && entry.kind !== 'groups') continue;
    const of = found.get(entry.session) ?? { listings: [], alerts: [] };
    found.set(entry.session, of);
    if (entry.kind === 'alert') of.alerts.push(entry);
    else of.listings.push(entry);
  }
  return found;
}

/** Applies alerts to a belief; returns those that repeat the one before of the same entry. */
function applyAlerts(belief: Set<string>, alerts: readonly Alert[]): string[] {
  const last = new Map<string, string>();
  return alerts.flatMap(({ type, seq, entries }) => {
    if (type === 'RESYNC') last.clear();
    if (type !== 'JOIN_ALERT' && type !== 'PRUNE_ALERT') return [];
    return entries.flatMap((entry) => {
      const isRepeated = last.get(entry) === type;
      last.set(entry, type);
      if (type === 'JOIN_ALERT') belief.add(entry);
      else belief.delete(entry);
      return isRepeated ? [`callback ${seq}: a second ${type} of "${entry}"`] : [];
    });
  });
}

/** `othersWant` for each (\*,g) and (\*,\*). */
function wantedByOthers(members: readonly ListedMembership[], session: number): Set<string> {
  return new Set(
    members
      .filter((one) => one.session !== session && one.countsFor !== session)
      .map(({ group, source }) => entryText([group, source]))
      .filter(raisesAlerts),
  );
}
