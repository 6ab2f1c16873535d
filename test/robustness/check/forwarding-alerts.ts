import { BlockList, isIPv6 } from 'node:net';
import { flowKey } from '../../support/flow-order.ts';
import { entryText, raisesAlerts } from '../traffic/entries.ts';
import type { Forwarding, Timed } from '../traffic/history.ts';
import { addTo } from './add-to.ts';
import type { Evidence, Finding } from './evidence.ts';

/**
 * What a resting worker knows of each (s,g), from `notified` of its last listing and the TRUE alerts after it, is whether it owns
 * the interface towards the source and others want the (s,g) (W1).
 */
export function checkNotified({
  router,
  processes,
  resting,
  members,
  ...evidence
}: Evidence): Finding {
  const problems: string[] = [];
  let checked = 0;
  const exact = members.filter((one) => !raisesAlerts(entryText([one.group, one.source])));
  const wanted = (session: number): Set<string> =>
    new Set(
      exact
        .filter((one) => one.countsFor !== 0)
        .filter((one) => one.session !== session && one.countsFor !== session)
        .filter(({ source }) => iifOwner(source, evidence) === session)
        .map(({ group, source }) => entryText([group, source])),
    );
  for (const [session, entries] of alertedSessions(processes.flatMap((one) => one.entries))) {
    const listing = entries.findLast((entry) => entry.kind === 'groups');
    if (!resting.includes(session) || !listing) continue;
    const after = entries
      .filter((entry) => entry.kind === 'alert')
      .filter(({ seq }) => seq > listing.mailbox);
    // It does not know what others want until its next listing.
    if (after.some(({ type }) => type === 'RESYNC')) continue;
    const known = new Set(listing.notified);
    for (const { type, entries: alerted } of after) {
      for (const entry of alerted.filter((one) => !raisesAlerts(one))) {
        if (type === 'JOIN_ALERT') known.add(entry);
        if (type === 'PRUNE_ALERT') known.delete(entry);
      }
    }
    checked += exact.length;
    const due = wanted(session);
    const where = `${router}: session ${session}`;
    problems.push(
      ...[...known.difference(due)].map((one) => `${where}: was notified of "${one}"`),
      ...[...due.difference(known)].map((one) => `${where}: was not notified of "${one}"`),
    );
  }
  return { check: 'notified', checked, problems };
}

/** The session on the interface of the best route to a source: its owner, or IGMP where it is alone. */
function iifOwner(
  source: string,
  { forwarding, listing }: Pick<Evidence, 'forwarding' | 'listing'>,
): number | undefined {
  const family = isIPv6(source) ? 'ipv6' : 'ipv4';
  const [route] = forwarding.routes
    .filter(({ best, network }) => best && isIPv6(network) === isIPv6(source))
    .filter(({ network, length }) => {
      const subnet = new BlockList();
      subnet.addSubnet(network, length, family);
      return subnet.check(source, family);
    })
    .toSorted((a, b) => b.length - a.length);
  return listing.find(
    ({ ifIndex, nextHop }) => ifIndex === route?.ifIndex && nextHop === route.nextHop,
  )?.session;
}

/**
 * The FALSE alerts of an incarnation to a session alternate, and it owned that incarnation. At rest an entry has `foreignAlerted`
 * if it has foreign outgoing interfaces, and the last FALSE alert of its incarnation to its owner agrees with that (W2).
 */
export function checkFalseAlerts(evidence: Evidence): Finding {
  const { router, processes, resting, forwarding } = evidence;
  const owners = ownersIn(evidence);
  const problems: string[] = [];
  let checked = 0;
  const last = new Map<string, string>();
  /** Sessions that record alerts, without those that lost some to a RESYNC. */
  const sessions = alertedSessions(processes.flatMap((one) => one.entries));
  for (const [session, entries] of sessions) {
    const where = `${router}: session ${session}`;
    for (const entry of entries) {
      if (entry.kind !== 'alert') continue;
      if (entry.type === 'RESYNC')
        for (const key of last.keys()) if (key.startsWith(`${session} `)) last.delete(key);
      for (const [at, incarnation] of (entry.incarnations ?? []).entries()) {
        checked++;
        const name = `${entry.entries[at]} ${incarnation}`;
        const key = `${session} ${name}`;
        const what = `callback ${entry.seq}: ${entry.type} of "${name}"`;
        if (last.get(key) === entry.type) problems.push(`${where}: a second ${what}`);
        if (owners.get(name)?.includes(session) === false || !owners.has(name)) {
          problems.push(`${where}: ${what}, which it never owned`);
        }
        last.set(key, entry.type);
      }
    }
  }
  for (const one of forwarding.entries) {
    const text = `${flowKey(one)} ${one.incarnation}`;
    const isForeign = foreignOifs(one, evidence).length > 0;
    if (one.foreignAlerted !== isForeign) {
      problems.push(`${router}: foreignAlerted is ${one.foreignAlerted}: ${JSON.stringify(one)}`);
    }
    const entries = sessions.get(one.session) ?? [];
    const hasAll =
      entries.length > 0 &&
      !entries.some((entry) => entry.kind === 'alert' && entry.type === 'RESYNC');
    if (!resting.includes(one.session) || !hasAll) continue;
    // A client that inherited the entry was not told what its predecessor was.
    const told = last.get(`${one.session} ${text}`);
    const began = owners.get(text)?.[0] === one.session;
    if (told === undefined && !began) continue;
    if ((told === 'JOIN_ALERT FALSE') !== one.foreignAlerted) {
      problems.push(`${router}: session ${one.session} was told ${told} of ${JSON.stringify(one)}`);
    }
  }
  return { check: 'FALSE alerts', checked, problems };
}

/** The sessions that owned each incarnation, by the log, in order. */
function ownersIn({ forwarding }: Evidence): Map<string, number[]> {
  const owners = new Map<string, number[]>();
  for (const { items } of forwarding.messages) {
    for (const item of items) {
      if (item[0] === 'set')
        addTo(owners, `${flowKey(item[1])} ${item[1].incarnation}`, item[1].session);
    }
  }
  return owners;
}

function foreignOifs(one: Forwarding, { listing }: Evidence): Forwarding['oifs'] {
  return one.oifs.filter(([on, hop]) => {
    const holder = listing.find(({ ifIndex, nextHop }) => ifIndex === on && nextHop === hop);
    return holder?.session !== one.session;
  });
}

/** The alerts and listings of each session, in order. */
function alertedSessions(all: readonly Timed[]): Map<number, Told[]> {
  const found = new Map<number, Told[]>();
  for (const entry of all) {
    if (entry.kind === 'alert' || entry.kind === 'groups') addTo(found, entry.session, entry);
  }
  return found;
}

type Told = Extract<Timed, { readonly kind: 'alert' | 'groups' }>;
