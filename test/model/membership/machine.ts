/** Clients, holds, interfaces and entries by the model's own numbers. */
export type ClientNumber = number;
export type InterfaceNumber = number;
export type EntryNumber = number;
type HoldNumber = number;

/** What ended a hold, `member` for a request, `iif-moved` for another owner of the interface towards the source. */
export type Cause = 'member' | 'iif-moved' | 'release' | 'take' | 'expire' | 'evict' | 'admin';

export type AlertType = 'JOIN_ALERT' | 'PRUNE_ALERT' | 'LOCAL_JOIN' | 'LOCAL_LEAVE';

export const ALERT_TYPES: readonly AlertType[] = [
  'JOIN_ALERT',
  'PRUNE_ALERT',
  'LOCAL_JOIN',
  'LOCAL_LEAVE',
];

/** (s,g), (\*,g) or (\*,\*). */
export interface Entry {
  readonly name: string;
  /** The (\*,\*) of the family of a (\*,g); the (\*,g) of an (s,g). */
  readonly wider: EntryNumber | undefined;
  /** False for (s,g), of which only the owner of the interface towards the source is alerted. */
  readonly raises: boolean;
}

/** (protocol, component), which names one client at a time. */
export interface Pair {
  readonly name: string;
  readonly isIgmp: boolean;
}

export interface Client {
  readonly number: ClientNumber;
  readonly pair: Pair;
  /** live → stale → live under a new session, or ended; live → ended. Never back from ended. */
  readonly state: 'live' | 'stale' | 'ended';
  readonly alerts: readonly AlertType[];
  /** Alert items in the mailbox that are not acknowledged. */
  readonly queued: number;
  /** A RESYNC is in the mailbox and not acknowledged: no alerts are written. */
  readonly isMuted: boolean;
}

/** The presence of a client on an interface. */
export interface Hold {
  readonly client: ClientNumber;
  readonly number: HoldNumber;
}

/** The holder of static memberships, and the client that they count for while nobody is on the interface. */
export const NOBODY: ClientNumber = 0;

export interface Membership {
  readonly holder: ClientNumber;
  readonly on: InterfaceNumber;
  readonly countsFor: ClientNumber;
  /** The hold of the interface's owner when IGMP added it; 0 where there was no owner, or the holder is a routing protocol. */
  readonly ownerHold: HoldNumber;
}

/** A membership that has ended other than by a delete. Its alerts and its `left` event are still pending. */
export interface Withdrawn extends Membership {
  readonly cause: Cause;
  /** It belonged to IGMP on an interface whose owner changed. */
  readonly window: boolean;
}

/** An alert item, written to the mailbox of one client. */
export type Fact = { readonly to: ClientNumber } & (
  | { readonly type: 'JOIN_ALERT'; readonly entry: EntryNumber; readonly cause: Cause }
  | {
      readonly type: 'PRUNE_ALERT';
      readonly entry: EntryNumber;
      readonly cause: Cause;
      /** The interfaces from which memberships were removed: the item names one of them. */
      readonly from: readonly InterfaceNumber[];
      readonly covered: boolean;
      readonly window: boolean;
    }
  | {
      readonly type: 'LOCAL_JOIN' | 'LOCAL_LEAVE';
      readonly entry: EntryNumber;
      readonly on: InterfaceNumber;
      readonly cause: Cause;
    }
  | {
      readonly type: 'RESYNC';
      /** That of the alert that did not fit into the mailbox. */
      readonly cause: Cause;
    }
);

export interface MembershipEvent {
  readonly mrev: number;
  readonly type: 'joined' | 'left';
  readonly entry: EntryNumber;
  readonly membership: Membership;
  readonly cause: Cause;
}

export type Outcome =
  | { readonly status: 0; readonly changed: boolean }
  | {
      readonly status: 87 | 1003 | 1168;
      readonly reason: 'not-found' | 'not-owner' | 'no-membership' | 'limit';
    };

/** What `member.set` leaves of a group (forwarding contract, section 9). Exclude lists are not modelled. */
export interface GroupFilter {
  /** All entries of the group. */
  readonly group: readonly EntryNumber[];
  /** Those that the holder has afterwards. */
  readonly wanted: readonly EntryNumber[];
}

/** The bounds of a model, and the wrong variants of it that a check must find. */
export interface Scope {
  readonly interfaces: number;
  readonly entries: readonly Entry[];
  /** Alert items that a mailbox keeps unacknowledged. */
  readonly mailboxMax: number;
  readonly entriesMax: number;
  /** The filters that clients set. */
  readonly filters?: readonly GroupFilter[];
  /**
   * `merged-purge`: a purge and its request raise alerts for their sum. `counts`: alerts ignore the holder. `silent-move`: a
   * new owner of the interface towards the source is not alerted. `listed-owner`: a listing of an (s,g) shows its owner, if
   * others want it, instead of the notified client.
   */
  readonly wrong?: 'merged-purge' | 'counts' | 'silent-move' | 'listed-owner';
}

/**
 * Group membership of one router as a state machine (membership contract, section 10).
 *
 * States of a membership: absent; present, in `members`; withdrawn, in `withdrawn`. Ways: absent → present by an add;
 * present → absent by a delete; present → withdrawn when the hold of its holder ends, and, of IGMP, when the owner of the
 * interface changes; withdrawn → absent by a purge, which the sweep or the next add or delete of its entry runs. A withdrawn
 * membership never becomes present again: an add after the purge makes a new one. Alerts are raised where `othersWant`
 * changes for a recipient, by an add, a delete and a purge, each by itself (sections 5.2 and 5.5).
 *
 * Of an (s,g) at most one client is notified: the owner of the interface towards the source, while others want the (s,g). A
 * change of the entry compares at once, a change of that owner later, as a step of its own (forwarding contract, section 4).
 * All (s,g) have the same source, to which there is one route or none.
 */
export class MembershipModel {
  readonly scope: Scope;
  clients: readonly Client[] = [];
  owners: readonly (Hold | undefined)[];
  igmps: readonly (Hold | undefined)[];
  members: readonly (readonly Membership[])[];
  withdrawn: readonly (readonly Withdrawn[])[];
  /** The interfaces on which operators configured a membership of each entry. It is in `members` while it is active. */
  statics: readonly (readonly InterfaceNumber[])[];
  /** The interface of the route to the source. */
  route: InterfaceNumber | undefined;
  /** The client that was notified last, of each (s,g). */
  notified: readonly (ClientNumber | undefined)[];
  mrev = 0;
  #lastHold: HoldNumber = 0;
  #lastClient: ClientNumber = 0;
  #facts: Fact[] = [];
  #events: MembershipEvent[] = [];

  /** A router that no client has used, or a copy of `other`. Lists are replaced, never changed, so copies share them. */
  constructor(scope: Scope, other?: MembershipModel) {
    this.scope = scope;
    this.owners = other?.owners ?? Array.from({ length: scope.interfaces }, () => undefined);
    this.igmps = other?.igmps ?? this.owners;
    this.members = other?.members ?? scope.entries.map(() => []);
    this.withdrawn = other?.withdrawn ?? scope.entries.map(() => []);
    this.statics = other?.statics ?? scope.entries.map(() => []);
    this.notified = other?.notified ?? scope.entries.map(() => undefined);
    if (!other) return;
    this.route = other.route;
    this.clients = other.clients;
    this.mrev = other.mrev;
    this.#lastHold = other.#lastHold;
    this.#lastClient = other.#lastClient;
  }

  clone(): MembershipModel {
    return new MembershipModel(this.scope, this);
  }

  get isSettled(): boolean {
    return this.withdrawn.every((all) => all.length === 0);
  }

  /** The alert items and events since the last call, in order. */
  takeNews(): { readonly facts: readonly Fact[]; readonly events: readonly MembershipEvent[] } {
    return { facts: this.#facts.splice(0), events: this.#events.splice(0) };
  }

  client(number: ClientNumber): Client {
    const client = this.clients.find((one) => one.number === number);
    if (!client) throw new RangeError(`no client ${number}`);
    return client;
  }

  /** The hold of a client on an interface. */
  holdOf(number: ClientNumber, on: InterfaceNumber): Hold | undefined {
    return [this.owners[on], this.igmps[on]].find((hold) => hold?.client === number);
  }

  wants(number: ClientNumber, entry: EntryNumber): boolean {
    return othersWant(number, this.members[entry] ?? []);
  }

  /** Whether alerts or events of an entry are still to be written. */
  isPending(entry: EntryNumber): boolean {
    if ((this.withdrawn[entry] ?? []).length > 0) return true;
    return this.#isExact(entry) && this.#target(entry) !== this.notified[entry];
  }

  /** What a client learns about an entry from a listing. */
  listed(number: ClientNumber, entry: EntryNumber): boolean {
    if (!this.#isExact(entry)) return this.wants(number, entry);
    if (this.scope.wrong === 'listed-owner') return this.#target(entry) === number;
    return (this.members[entry] ?? []).length > 0 && this.notified[entry] === number;
  }

  /** What a client should know about an entry once nothing is pending. */
  shouldKnow(number: ClientNumber, entry: EntryNumber): boolean {
    if (!this.#isExact(entry)) return this.wants(number, entry);
    return this.#iifOwner() === number && this.wants(number, entry);
  }

  // Sessions.

  register(pair: Pair, alerts: readonly AlertType[] = ALERT_TYPES): ClientNumber {
    const number = ++this.#lastClient;
    const client: Client = { number, pair, state: 'live', alerts, queued: 0, isMuted: false };
    this.clients = [...this.clients, client];
    return number;
  }

  /** The lease is over and the grace time runs. */
  stale(number: ClientNumber): void {
    this.#change(number, { state: 'stale' });
  }

  /** Inheritance: the client goes on under a new session, with a mailbox of its own. */
  resume(number: ClientNumber, alerts: readonly AlertType[] = ALERT_TYPES): void {
    this.#change(number, { state: 'live', alerts, queued: 0, isMuted: false });
  }

  /** Deregistered, expired or evicted. */
  end(number: ClientNumber, cause: Cause): void {
    for (let on = 0; on < this.scope.interfaces; on++) this.#leave(number, on, cause);
    this.#change(number, { state: 'ended' });
  }

  /** The client has handled all that is in its mailbox. */
  acknowledge(number: ClientNumber): void {
    this.#change(number, { queued: 0, isMuted: false });
  }

  /** Forgets clients that ended and have no withdrawn membership left. */
  forgetEnded(): void {
    const isNamed = (number: ClientNumber): boolean =>
      this.withdrawn.some((all) =>
        all.some(({ holder, countsFor }) => holder === number || countsFor === number),
      ) || this.notified.includes(number);
    const kept = this.clients.filter(({ state, number }) => state !== 'ended' || isNamed(number));
    if (kept.length < this.clients.length) this.clients = kept;
  }

  // Ownership.

  /** An interface where no client of the same kind is. A routing protocol that takes it opens a window for IGMP. */
  take(number: ClientNumber, on: InterfaceNumber): void {
    const hold = { client: number, number: ++this.#lastHold };
    if (this.client(number).pair.isIgmp) {
      this.igmps = this.igmps.with(on, hold);
      return;
    }
    const igmp = this.igmps[on]?.client;
    if (igmp !== undefined) {
      this.#withdraw(on, igmp, 'take', true);
      this.#withdrawStatics(on, igmp, 'take', true);
    }
    this.owners = this.owners.with(on, hold);
  }

  /** Released by the client itself or by an operator, or given to another claimant. */
  release(number: ClientNumber, on: InterfaceNumber, cause: Cause): void {
    this.#leave(number, on, cause);
  }

  #leave(number: ClientNumber, on: InterfaceNumber, cause: Cause): void {
    if (this.owners[on]?.client === number) {
      const igmp = this.igmps[on]?.client;
      this.#withdraw(on, number, cause, false);
      this.#withdrawStatics(on, number, cause, igmp !== undefined);
      if (igmp !== undefined) this.#withdraw(on, igmp, cause, true);
      this.owners = this.owners.with(on, undefined);
    }
    if (this.igmps[on]?.client === number) {
      this.#withdraw(on, number, cause, false);
      this.#withdrawStatics(on, number, cause, false);
      this.igmps = this.igmps.with(on, undefined);
    }
  }

  #withdraw(on: InterfaceNumber, holder: ClientNumber, cause: Cause, window: boolean): void {
    this.#withdrawAll((one) => one.on === on && one.holder === holder, cause, window);
  }

  /** Static memberships that count for a client become dormant. */
  #withdrawStatics(on: InterfaceNumber, client: ClientNumber, cause: Cause, window: boolean): void {
    const isGone = (one: Membership): boolean =>
      one.on === on && one.holder === NOBODY && one.countsFor === client;
    this.#withdrawAll(isGone, cause, window);
  }

  /** Takes effect in the step of the event, without alerts. */
  #withdrawAll(isGone: (one: Membership) => boolean, cause: Cause, window: boolean): void {
    for (let entry = 0; entry < this.members.length; entry++) {
      const present = this.members[entry] ?? [];
      const gone = present.filter(isGone);
      if (gone.length === 0) continue;
      this.members = this.members.with(
        entry,
        present.filter((one) => !isGone(one)),
      );
      const pending = gone.map((one) => ({ ...one, cause, window }));
      this.withdrawn = this.withdrawn.with(entry, [...(this.withdrawn[entry] ?? []), ...pending]);
    }
  }

  // The multicast view.

  /** Sets the route to the source, or removes it. */
  setRoute(to: InterfaceNumber | undefined): void {
    this.route = to;
  }

  /** Compares an (s,g) with the owner of the interface towards its source. */
  review(entry: EntryNumber): void {
    if (this.#isExact(entry)) this.#retarget(entry, 'iif-moved', [], false);
  }

  /** Reviews every entry. */
  reviewAll(): void {
    for (let entry = 0; entry < this.members.length; entry++) this.review(entry);
  }

  #isExact(entry: EntryNumber): boolean {
    return this.scope.entries[entry]?.raises === false;
  }

  #iifOwner(): ClientNumber | undefined {
    if (this.route === undefined) return undefined;
    return this.owners[this.route]?.client ?? this.igmps[this.route]?.client;
  }

  /** The client that is to be the notified one. */
  #target(entry: EntryNumber): ClientNumber | undefined {
    const owner = this.#iifOwner();
    return owner !== undefined && this.wants(owner, entry) ? owner : undefined;
  }

  #retarget(
    entry: EntryNumber,
    cause: Cause,
    from: readonly InterfaceNumber[],
    window: boolean,
  ): void {
    const target = this.#target(entry);
    const former = this.notified[entry];
    if (target === former) return;
    this.notified = this.notified.with(entry, target);
    if (this.scope.wrong === 'silent-move' && cause === 'iif-moved') return;
    if (former !== undefined) {
      const covered = this.#isCovered(former, entry);
      this.#write({ to: former, type: 'PRUNE_ALERT', entry, cause, from, covered, window });
    }
    if (target !== undefined) this.#write({ to: target, type: 'JOIN_ALERT', entry, cause });
  }

  /** Whether others than this client want a wider entry. */
  #isCovered(number: ClientNumber, entry: EntryNumber): boolean {
    const wider = this.scope.entries[entry]?.wider;
    return wider !== undefined && (this.wants(number, wider) || this.#isCovered(number, wider));
  }

  // Memberships.

  add(number: ClientNumber, on: InterfaceNumber, entry: EntryNumber): Outcome {
    const refusal = this.#refuseInterface(number, on, 87);
    if (refusal) return refusal;
    const before = this.#purgeFor(entry);
    this.review(entry);
    const { isIgmp } = this.client(number).pair;
    const owner = this.owners[on];
    const isBesideOwner = isIgmp && owner !== undefined;
    const present = this.members[entry] ?? [];
    if (present.some((one) => one.holder === number && one.on === on)) {
      this.#raise(entry, before, 'member', [], false);
      return { status: 0, changed: false };
    }
    if (this.#isBeyondLimit(entry)) {
      this.#raise(entry, before, 'member', [], false);
      return { status: 1003, reason: 'limit' };
    }
    const membership: Membership = {
      holder: number,
      on,
      countsFor: isBesideOwner ? owner.client : number,
      ownerHold: isBesideOwner ? owner.number : 0,
    };
    this.#tellOwner('LOCAL_JOIN', membership, entry, 'member');
    this.members = this.members.with(entry, [...present, membership]);
    this.#log('joined', entry, membership, 'member');
    this.#raise(entry, before, 'member', [], false);
    return { status: 0, changed: true };
  }

  delete(number: ClientNumber, on: InterfaceNumber, entry: EntryNumber): Outcome {
    const refusal = this.#refuseInterface(number, on, 1168);
    if (refusal) return refusal;
    const before = this.#purgeFor(entry);
    this.review(entry);
    const present = this.members[entry] ?? [];
    const membership = present.find((one) => one.holder === number && one.on === on);
    if (!membership) {
      this.#raise(entry, before, 'member', [], false);
      return { status: 1168, reason: 'no-membership' };
    }
    this.#tellOwner('LOCAL_LEAVE', membership, entry, 'member');
    this.members = this.members.with(
      entry,
      present.filter((one) => one !== membership),
    );
    this.#log('left', entry, membership, 'member');
    this.#raise(entry, before, 'member', [on], false);
    return { status: 0, changed: true };
  }

  /** Replaces what a client has of a group on an interface: purges, adds, then deletes. Returns how many of the latter. */
  set(
    number: ClientNumber,
    on: InterfaceNumber,
    { group, wanted }: GroupFilter,
  ): { readonly added: number; readonly removed: number } {
    const had = group.filter((entry) => this.#has(number, on, entry));
    for (const entry of new Set([...had, ...wanted])) this.purge(entry);
    const added = wanted.filter((entry) => !had.includes(entry));
    const removed = had.filter((entry) => !wanted.includes(entry));
    for (const entry of wanted) this.add(number, on, entry);
    for (const entry of removed) this.delete(number, on, entry);
    return { added: added.length, removed: removed.length };
  }

  #has(number: ClientNumber, on: InterfaceNumber, entry: EntryNumber): boolean {
    const present = this.members[entry] ?? [];
    return present.some((one) => one.holder === number && one.on === on);
  }

  // Static memberships.

  /** An operator adds a static membership. */
  configure(on: InterfaceNumber, entry: EntryNumber): Outcome {
    this.purge(entry);
    this.review(entry);
    const configured = this.statics[entry] ?? [];
    if (configured.includes(on)) return { status: 0, changed: false };
    if (this.#isBeyondLimit(entry)) return { status: 1003, reason: 'limit' };
    this.statics = this.statics.with(entry, [...configured, on]);
    this.#log('joined', entry, this.#staticOn(on), 'admin');
    this.activate(on, entry);
    return { status: 0, changed: true };
  }

  /** An operator deletes a static membership. */
  unconfigure(on: InterfaceNumber, entry: EntryNumber): Outcome {
    this.purge(entry);
    this.review(entry);
    const configured = this.statics[entry] ?? [];
    if (!configured.includes(on)) return { status: 1168, reason: 'not-found' };
    this.statics = this.statics.with(
      entry,
      configured.filter((one) => one !== on),
    );
    this.#log('left', entry, this.#staticOn(on), 'admin');
    const before = this.members[entry] ?? [];
    const active = this.activeStatic(on, entry);
    if (!active) return { status: 0, changed: true };
    this.members = this.members.with(
      entry,
      before.filter((one) => one !== active),
    );
    this.#raise(entry, before, 'admin', [on], false);
    return { status: 0, changed: true };
  }

  /** The static membership of an entry on an interface, while it counts for a client. */
  activeStatic(on: InterfaceNumber, entry: EntryNumber): Membership | undefined {
    return this.members[entry]?.find((one) => one.holder === NOBODY && one.on === on);
  }

  /** Whether a dormant static membership is to become active: there is a client on the interface. */
  isToBeActive(on: InterfaceNumber, entry: EntryNumber): boolean {
    const isConfigured = this.statics[entry]?.includes(on) === true;
    const isFree = this.#staticOn(on).countsFor === NOBODY;
    return isConfigured && !isFree && !this.activeStatic(on, entry);
  }

  /** A dormant static membership becomes active, in a step of its own after a take. */
  activate(on: InterfaceNumber, entry: EntryNumber): void {
    if (!this.isToBeActive(on, entry)) return;
    this.purge(entry);
    this.review(entry);
    const before = this.members[entry] ?? [];
    this.members = this.members.with(entry, [...before, this.#staticOn(on)]);
    this.#raise(entry, before, 'admin', [], false);
  }

  activateAll(): void {
    for (const [entry, configured] of this.statics.entries()) {
      for (const on of configured) this.activate(on, entry);
    }
  }

  #staticOn(on: InterfaceNumber): Membership {
    const countsFor = (this.owners[on] ?? this.igmps[on])?.client ?? NOBODY;
    return { holder: NOBODY, on, countsFor, ownerHold: 0 };
  }

  /** Removes all withdrawn memberships of an entry, with their events and the alerts that follow from the difference. */
  purge(entry: EntryNumber): void {
    const gone = this.#removeWithdrawn(entry);
    if (gone.length === 0) return;
    const windows = gone.filter(opensWindow);
    const cause = (windows[0] ?? gone[0])?.cause ?? 'release';
    const before = [...(this.members[entry] ?? []), ...gone];
    const from = gone.map(({ on }) => on);
    this.#raise(entry, before, cause, from, windows.length > 0);
  }

  /** Sweeps every entry. */
  settle(): void {
    for (let entry = 0; entry < this.members.length; entry++) this.purge(entry);
  }

  /** A request for an entry purges it first. Returns the memberships that the alerts of the request start from. */
  #purgeFor(entry: EntryNumber): readonly Membership[] {
    if (this.scope.wrong !== 'merged-purge') {
      this.purge(entry);
      return this.members[entry] ?? [];
    }
    const gone = this.#removeWithdrawn(entry);
    return [...(this.members[entry] ?? []), ...gone];
  }

  #removeWithdrawn(entry: EntryNumber): readonly Withdrawn[] {
    const gone = this.withdrawn[entry] ?? [];
    if (gone.length === 0) return gone;
    this.withdrawn = this.withdrawn.with(entry, []);
    for (const one of gone) {
      if (one.holder === NOBODY) continue;
      this.#log('left', entry, one, one.cause);
      if (!one.window) this.#tellOwner('LOCAL_LEAVE', one, entry, one.cause);
    }
    return gone;
  }

  #refuseInterface(
    number: ClientNumber,
    on: InterfaceNumber,
    unheld: 87 | 1168,
  ): Outcome | undefined {
    if (!this.owners[on] && !this.igmps[on]) return { status: unheld, reason: 'not-found' };
    return this.holdOf(number, on) ? undefined : { status: 87, reason: 'not-owner' };
  }

  /** Whether a membership of the entry would be of one entry too many. */
  #isBeyondLimit(entry: EntryNumber): boolean {
    if (this.#isStored(entry)) return false;
    const stored = this.members.filter((_, other) => this.#isStored(other));
    return stored.length >= this.scope.entriesMax;
  }

  /** Whether an entry has a membership, a withdrawn or a dormant one included. */
  #isStored(entry: EntryNumber): boolean {
    const all = [this.members, this.withdrawn, this.statics];
    return all.some((one) => (one[entry] ?? []).length > 0);
  }

  #log(
    type: MembershipEvent['type'],
    entry: EntryNumber,
    { holder, on, countsFor, ownerHold }: Membership,
    cause: Cause,
  ): void {
    const membership = { holder, on, countsFor, ownerHold };
    this.#events.push({ mrev: ++this.mrev, type, entry, membership, cause });
  }

  // Alerts.

  /** LOCAL alerts go to the owner of the interface while the hold lasts under which IGMP added the membership. */
  #tellOwner(
    type: 'LOCAL_JOIN' | 'LOCAL_LEAVE',
    { on, ownerHold }: Membership,
    entry: EntryNumber,
    cause: Cause,
  ): void {
    const owner = this.owners[on];
    if (!owner || owner.number !== ownerHold) return;
    this.#write({ to: owner.client, type, entry, on, cause });
  }

  /** JOIN and PRUNE to each client for which the difference between `before` and the present members matters. */
  #raise(
    entry: EntryNumber,
    before: readonly Membership[],
    cause: Cause,
    from: readonly InterfaceNumber[],
    window: boolean,
  ): void {
    if (this.#isExact(entry)) return this.#retarget(entry, cause, from, window);
    const after = this.members[entry] ?? [];
    if (before === after) return;
    const wanted = this.scope.wrong === 'counts' ? othersCount : othersWant;
    for (const { number } of this.clients) {
      const wantedBefore = wanted(number, before);
      const wantedAfter = wanted(number, after);
      if (!wantedBefore && wantedAfter) {
        this.#write({ to: number, type: 'JOIN_ALERT', entry, cause });
      }
      if (wantedBefore && !wantedAfter) {
        const covered = this.#isCovered(number, entry);
        this.#write({ to: number, type: 'PRUNE_ALERT', entry, cause, from, covered, window });
      }
    }
  }

  /** Section 5.6: a mailbox that is full gets one RESYNC instead of the next alert. */
  #write(fact: Fact): void {
    const { state, alerts, queued, isMuted, number } = this.client(fact.to);
    if (state !== 'live' || isMuted || fact.type === 'RESYNC' || !alerts.includes(fact.type)) {
      return;
    }
    if (queued > this.scope.mailboxMax) {
      this.#change(number, { isMuted: true });
      this.#facts.push({ to: number, type: 'RESYNC', cause: fact.cause });
      return;
    }
    this.#change(number, { queued: queued + 1 });
    this.#facts.push(fact);
  }

  #change(number: ClientNumber, change: Partial<Client>): void {
    this.clients = this.clients.map((one) => (one.number === number ? { ...one, ...change } : one));
  }
}

/** True if some membership has another holder and counts for another client. */
function othersWant(client: ClientNumber, members: readonly Membership[]): boolean {
  return members.some(({ holder, countsFor }) => holder !== client && countsFor !== client);
}

/** The wrong variant: client counts, as in MGM's own text, which ignore that IGMP's memberships count for owners. */
function othersCount(client: ClientNumber, members: readonly Membership[]): boolean {
  return members.some(({ countsFor }) => countsFor !== client);
}

/** IGMP is about to add these again: the client library holds their PRUNE back for a time (section 7.3). */
function opensWindow({ window, cause }: Withdrawn): boolean {
  return window && (cause === 'take' || cause === 'release');
}
