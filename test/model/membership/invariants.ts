import type { Beliefs } from './beliefs.ts';
import {
  NOBODY,
  type Fact,
  type InterfaceNumber,
  type Membership,
  type MembershipEvent,
  type MembershipModel,
  type News,
} from './machine.ts';

/**
 * How a state breaks the invariants of the membership contract, section 10: V1, V3 and V6. V2 is checked by `Beliefs`, V4 by
 * `brokenStep`. V5 concerns repeated requests, which the model of sequences decides before they reach this machine.
 */
export function brokenInvariant(model: MembershipModel, beliefs: Beliefs): string | undefined {
  return brokenHold(model) ?? brokenMailbox(model) ?? brokenBelief(model, beliefs);
}

/**
 * V1: when an entry is settled, a client that listed it knows whether another client wants it. W1: of an (s,g), whether
 * another client wants it and the client owns the interface towards the source.
 */
function brokenBelief(model: MembershipModel, beliefs: Beliefs): string | undefined {
  const { clients, scope } = model;
  for (const { number, state } of clients) {
    if (state !== 'live') continue;
    for (let entry = 0; entry < scope.entries.length; entry++) {
      const known = beliefs.isWanted(number, entry);
      if (known === undefined || model.isPending(entry)) continue;
      if (known === model.shouldKnow(number, entry)) continue;
      const name = scope.entries[entry]?.raises ? 'V1' : 'W1';
      return `${name}: client ${number} ${known ? 'still wants' : 'does not know that others want'} entry ${entry}`;
    }
  }
  return undefined;
}

/**
 * V3: a membership exists only within a hold of its holder, or is static and counts for the client there; and once. Under
 * `advise` IGMP's memberships count for no client.
 */
function brokenHold({
  members,
  statics,
  owners,
  igmps,
  advised,
}: MembershipModel): string | undefined {
  for (const [entry, present] of members.entries()) {
    for (const { holder, on, countsFor } of present) {
      if (holder === NOBODY) {
        if (!statics[entry]?.includes(on))
          return `V3: no operator configured entry ${entry} on ${on}`;
        if ((owners[on] ?? igmps[on])?.client === countsFor) continue;
        return `V3: a static membership on ${on} counts for client ${countsFor}`;
      }
      const isHeld = owners[on]?.client === holder || igmps[on]?.client === holder;
      if (!isHeld) return `V3: client ${holder} has a membership on ${on}, which it does not hold`;
      const owner = advised[on] ? NOBODY : owners[on]?.client;
      const counted = igmps[on]?.client === holder ? (owner ?? holder) : holder;
      if (counted !== countsFor) return `V3: a membership on ${on} counts for client ${countsFor}`;
    }
    const isTwice = present.some((one, at) =>
      present.some(
        (other, later) => later > at && one.holder === other.holder && one.on === other.on,
      ),
    );
    if (isTwice) return 'V3: a membership exists twice';
  }
  return undefined;
}

/** V6: a mailbox keeps at most its bound and the alert items of one step. */
function brokenMailbox({ clients, scope }: MembershipModel): string | undefined {
  const full = clients.find(({ queued }) => queued > scope.mailboxMax + 1);
  return full && `V6: ${full.queued} alert items wait for client ${full.number}`;
}

/** V4, and that no alert follows from a step without an event, unless a static membership became active or dormant. */
export function brokenStep(
  before: MembershipModel,
  after: MembershipModel,
  { facts, events }: News,
): string | undefined {
  const isAsActive = activeCount(before) === activeCount(after);
  const fact = isAsActive && facts.find(({ cause }) => cause !== 'iif-moved');
  if (fact && events.length === 0) return `V3: ${fact.type} without a change`;
  if (!events.every(({ mrev }, at) => mrev === before.mrev + at + 1)) return 'V4: a gap in mrev';
  if (after.mrev !== before.mrev + events.length) return 'V4: a change without an event';
  return (
    brokenSilence(before, facts) ??
    brokenReplay(before, after, events) ??
    brokenLocal(before, after, facts)
  );
}

/** V6: between a RESYNC and its acknowledgement no alert is written. */
function brokenSilence({ clients }: MembershipModel, facts: readonly Fact[]): string | undefined {
  const muted = new Set(clients.filter(({ isMuted }) => isMuted).map(({ number }) => number));
  for (const { to, type } of facts) {
    if (muted.has(to)) return `V6: ${type} to client ${to}, which did not acknowledge its RESYNC`;
    if (type === 'RESYNC') muted.add(to);
  }
  return undefined;
}

/** V4: events applied to what is stored give what is stored after them. */
function brokenReplay(
  before: MembershipModel,
  after: MembershipModel,
  events: readonly MembershipEvent[],
): string | undefined {
  if (events.length === 0 && before.mrev === after.mrev) {
    const count = storedCount(after) - storedCount(before);
    return count === 0 ? undefined : 'V4: what is stored changes without an event';
  }
  for (let entry = 0; entry < before.members.length; entry++) {
    const isSame =
      before.members[entry] === after.members[entry] &&
      before.withdrawn[entry] === after.withdrawn[entry] &&
      before.statics[entry] === after.statics[entry];
    if (isSame && events.every((event) => event.entry !== entry)) continue;
    const stored = new Map(storedOf(before, entry));
    for (const { type, membership, entry: of } of events) {
      if (of !== entry) continue;
      if (stored.has(nameOf(membership)) === (type === 'joined')) {
        return `V4: entry ${entry} ${type} twice`;
      }
      if (type === 'left') stored.delete(nameOf(membership));
      else stored.set(nameOf(membership), listOf(membership));
    }
    const expected = storedOf(after, entry);
    const isSameAsStored = expected.every(([name, list]) => stored.get(name) === list);
    if (expected.length !== stored.size || !isSameAsStored) {
      return `V4: events do not lead to what is stored of entry ${entry}`;
    }
  }
  return undefined;
}

/** V4: LOCAL alerts applied to what an owner knows give IGMP's memberships on its interface. */
function brokenLocal(
  before: MembershipModel,
  after: MembershipModel,
  facts: readonly Fact[],
): string | undefined {
  if (before.members === after.members && before.withdrawn === after.withdrawn) return undefined;
  for (let on = 0; on < before.owners.length; on++) {
    const owner = before.owners[on];
    if (!owner || after.owners[on]?.number !== owner.number) continue;
    // A window: IGMP adds its memberships again.
    if (before.advised[on] !== after.advised[on]) continue;
    if (!hearsAll(before, owner.client) || !hearsAll(after, owner.client)) continue;
    const known = toldOn(before, on);
    for (const fact of facts) {
      if (fact.to !== owner.client || !('on' in fact) || fact.on !== on) continue;
      if (fact.exclude && !known.has(fact.entry)) return `V4: a list of entry ${fact.entry} alone`;
      if (fact.type === 'LOCAL_JOIN') known.add(fact.entry);
      else if (!known.delete(fact.entry)) return `V4: LOCAL_LEAVE of entry ${fact.entry} twice`;
    }
    const wanted = toldOn(after, on);
    if (known.symmetricDifference(wanted).size > 0) {
      return `V4: the owner of ${on} knows ${[...known].join()}, IGMP has ${[...wanted].join()}`;
    }
  }
  return undefined;
}

function hearsAll(model: MembershipModel, number: number): boolean {
  const { state, isMuted } = model.client(number);
  return state === 'live' && !isMuted;
}

/** The entries of IGMP's memberships on an owned interface, with those whose LOCAL_LEAVE is still pending. */
function toldOn(model: MembershipModel, on: InterfaceNumber): Set<number> {
  const hold = model.owners[on]?.number;
  const told = new Set<number>();
  for (let entry = 0; entry < model.members.length; entry++) {
    const isTold = (one: Membership): boolean => one.on === on && one.ownerHold === hold;
    const pending = (model.withdrawn[entry] ?? []).filter(({ window }) => !window);
    if ((model.members[entry] ?? []).some(isTold) || pending.some(isTold)) told.add(entry);
  }
  return told;
}

/** How many static memberships are active, and how many that became dormant are not purged yet. */
function activeCount({ members, withdrawn }: MembershipModel): string {
  const counts = [members, withdrawn].map(
    (all) => all.flat().filter(({ holder }) => holder === NOBODY).length,
  );
  return counts.join();
}

function storedCount(model: MembershipModel): number {
  return model.members.reduce((sum, _, entry) => sum + storedOf(model, entry).length, 0);
}

/** What is stored of an entry, with exclude lists: by events a static membership exists while it is configured. */
function storedOf(
  { members, withdrawn, statics }: MembershipModel,
  entry: number,
): (readonly [name: string, list: string])[] {
  const held = [...(members[entry] ?? []), ...(withdrawn[entry] ?? [])];
  return [
    ...held
      .filter(({ holder }) => holder !== NOBODY)
      .map((one) => [nameOf(one), listOf(one)] as const),
    ...(statics[entry] ?? []).map((on) => [staticName(on), ''] as const),
  ];
}

function listOf({ exclude }: Membership): string {
  return exclude.join();
}

function nameOf({ holder, on, countsFor, ownerHold }: Membership): string {
  if (holder === NOBODY) return staticName(on);
  return `${holder} on ${on} for ${countsFor} under ${ownerHold}`;
}

function staticName(on: InterfaceNumber): string {
  return `static on ${on}`;
}
