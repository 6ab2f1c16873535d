/** Clients, holds, interfaces and entries by the model's own numbers. */
export type ClientNumber = number;
export type InterfaceNumber = number;
export type EntryNumber = number;
type HoldNumber = number;

/**
 * What ended a hold, `member` for a request, `iif-moved` for another owner of the interface towards the source, `policy` for
 * another `localMembers` of the owner.
 */
export type Cause =
  'member' | 'iif-moved' | 'release' | 'take' | 'expire' | 'evict' | 'admin' | 'policy';

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
  /** The number of its group, which limits of interfaces count; undefined for (\*,\*). */
  readonly group?: number;
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

/**
 * The holder of static memberships, and the client that they count for while no client is on the interface. Under `advise` also
 * the client that IGMP's memberships count for.
 */
export const NOBODY: ClientNumber = 0;

export interface Membership {
  readonly holder: ClientNumber;
  readonly on: InterfaceNumber;
  readonly countsFor: ClientNumber;
  /** The hold of the interface's owner when IGMP added it; 0 where there was no owner, or the holder is a routing protocol. */
  readonly ownerHold: HoldNumber;
  /** Of a (\*,g): the sources that the holder does not want there, by the names that stores give them, in order. */
  readonly exclude: readonly string[];
}

/** What operators set for an interface; 0: no limit. */
export interface Limits {
  readonly maxGroups: number;
  readonly maxEntries: number;
  /** Exclude lists are ignored for outgoing interfaces. */
  readonly lite: boolean;
}

export const NO_LIMITS: Limits = { maxGroups: 0, maxEntries: 0, lite: false };

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
      /** The changed exclude list of a membership that the owner knows. */
      readonly exclude?: readonly string[];
    }
  | {
      readonly type: 'RESYNC';
      /** That of the alert that did not fit into the mailbox. */
      readonly cause: Cause;
    }
);

export interface MembershipEvent {
  readonly mrev: number;
  readonly type: 'joined' | 'left' | 'updated';
  readonly entry: EntryNumber;
  readonly membership: Membership;
  readonly cause: Cause;
}

/** An entry whose memberships changed: the forwarding entries that it covers are reviewed in the same step. */
export interface EntryChange {
  readonly entry: EntryNumber;
  readonly cause: Cause;
}

export type Outcome = { readonly status: 0; readonly changed: boolean } | Refusal;

interface Refusal {
  readonly status: 87 | 1003 | 1168;
  readonly reason: 'not-found' | 'not-owner' | 'no-membership' | 'limit';
}

/** What `member.set` leaves of a group (forwarding contract, section 9). */
export interface GroupFilter {
  /** All entries of the group. */
  readonly group: readonly EntryNumber[];
  /** Those that the holder has afterwards. */
  readonly wanted: readonly EntryNumber[];
  /** The exclude list of the wanted (\*,g). */
  readonly exclude?: readonly string[];
}

type Filtered =
  | {
      readonly status: 0;
      readonly added: number;
      readonly removed: number;
      /** The exclude list changed. */
      readonly updated: boolean;
    }
  | Refusal;

/** The bounds of a model, and the wrong variants of it that a check must find. */
export interface Scope {
  readonly interfaces: number;
  readonly entries: readonly Entry[];
  /** Alert items that a mailbox keeps unacknowledged. */
  readonly mailboxMax: number;
  readonly entriesMax: number;
  /** The filters that clients set. */
  readonly filters?: readonly GroupFilter[];
  /** The settings that operators choose from. */
  readonly limits?: readonly Limits[];
  /**
   * `merged-purge`: a purge and its request raise alerts for their sum. `counts`: alerts ignore the holder. `silent-move`: a
   * new owner of the interface towards the source is not alerted. `listed-owner`: a listing of an (s,g) shows its owner, if
   * others want it, instead of the notified client. `advised-counts`: IGMP's memberships count for the owner in spite of
   * `advise`. `active-static`: a static membership stays active when the client that it counts for leaves. `unmuted`: alerts
   * go on after a RESYNC.
   */
  readonly wrong?:
    | 'merged-purge'
    | 'counts'
    | 'silent-move'
    | 'listed-owner'
    | 'advised-counts'
    | 'active-static'
    | 'unmuted';
}

/** What followed from a step. */
export interface News {
  readonly facts: readonly Fact[];
  /** The alert items that a RESYNC of this step replaces. */
  readonly replaced: readonly Fact[];
  readonly events: readonly MembershipEvent[];
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
 *
 * An owner may set `advise` for its hold: IGMP's memberships on the interface then count for no client, and each change of the
 * setting withdraws them, as a new owner does (forwarding contract, section 7). Operators limit the memberships and groups of
 * an interface (section 10).
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
  /** Whether the owner of each interface set `advise`. */
  advised: readonly boolean[];
  limits: readonly Limits[];
  mrev = 0;
  #lastHold: HoldNumber = 0;
  #lastClient: ClientNumber = 0;
  #facts: Fact[] = [];
  #replaced: Fact[] = [];
  #events: MembershipEvent[] = [];
  #changes: EntryChange[] = [];

  /** A router that no client has used, or a copy of `other`. Lists are replaced, never changed, so copies share them. */
  constructor(scope: Scope, other?: MembershipModel) {
    this.scope = scope;
    this.owners = other?.owners ?? Array.from({ length: scope.interfaces }, () => undefined);
    this.igmps = other?.igmps ?? this.owners;
    this.members = other?.members ?? scope.entries.map(() => []);
    this.withdrawn = other?.withdrawn ?? scope.entries.map(() => []);
    this.statics = other?.statics ?? scope.entries.map(() => []);
    this.notified = other?.notified ?? scope.entries.map(() => undefined);
    this.advised = other?.advised ?? this.owners.map(() => false);
    this.limits = other?.limits ?? this.owners.map(() => NO_LIMITS);
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
  takeNews(): News {
    return {
      facts: this.#facts.splice(0),
      replaced: this.#replaced.splice(0),
      events: this.#events.splice(0),
    };
  }

  /** The changes of entries since the last call, in order. */
  takeChanges(): readonly EntryChange[] {
    return this.#changes.splice(0);
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

  /** The client has handled all that is in its mailbox; `isBeforeResync`: all up to its RESYNC. */
  acknowledge(number: ClientNumber, isBeforeResync = false): void {
    const { isMuted } = this.client(number);
    this.#change(number, { queued: 0, isMuted: isMuted && isBeforeResync });
  }

  /** Alert items that the client does not acknowledge fill its mailbox, up to this room. */
  fill(number: ClientNumber, room: number): void {
    this.#change(number, { queued: this.scope.mailboxMax - room });
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
  take(number: ClientNumber, on: InterfaceNumber, advise = false): void {
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
    this.advised = this.advised.with(on, advise);
  }

  /** The owner sets `localMembers`: a change withdraws IGMP's memberships. */
  setAdvise(number: ClientNumber, on: InterfaceNumber, advise: boolean): Outcome {
    const owner = this.owners[on];
    if (!owner && !this.igmps[on]) return { status: 87, reason: 'not-found' };
    if (owner?.client !== number) return { status: 87, reason: 'not-owner' };
    if (this.advised[on] === advise) return { status: 0, changed: false };
    this.advised = this.advised.with(on, advise);
    const igmp = this.igmps[on]?.client;
    if (igmp !== undefined) this.#withdraw(on, igmp, 'policy', true);
    return { status: 0, changed: true };
  }

  /** Operators change the settings of an interface. Returns whether that is a change. */
  setLimits(on: InterfaceNumber, limits: Limits): boolean {
    const { maxGroups, maxEntries, lite } = this.limitsOn(on);
    this.limits = this.limits.with(on, limits);
    const isSame = maxGroups === limits.maxGroups && maxEntries === limits.maxEntries;
    return !isSame || lite !== limits.lite;
  }

  limitsOn(on: InterfaceNumber): Limits {
    return this.limits[on] ?? NO_LIMITS;
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
      this.advised = this.advised.with(on, false);
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
    if (this.scope.wrong === 'active-static') return;
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
    if (this.#isBeyondLimit(on, entry)) {
      this.#raise(entry, before, 'member', [], false);
      return { status: 1003, reason: 'limit' };
    }
    const membership: Membership = {
      holder: number,
      on,
      countsFor: isBesideOwner ? this.#countsFor(owner.client, on) : number,
      ownerHold: isBesideOwner ? owner.number : 0,
      exclude: [],
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

  /** What IGMP's memberships beside an owner count for. */
  #countsFor(owner: ClientNumber, on: InterfaceNumber): ClientNumber {
    return this.advised[on] && this.scope.wrong !== 'advised-counts' ? NOBODY : owner;
  }

  /**
   * Replaces what a client has of a group on an interface: purges, adds, changes the exclude list, then deletes. Nothing but
   * the purges is done where the adds would exceed a limit.
   */
  set(
    number: ClientNumber,
    on: InterfaceNumber,
    { group, wanted, exclude = [] }: GroupFilter,
  ): Filtered {
    const refusal = this.#refuseInterface(number, on, 87);
    if (refusal) return refusal;
    const had = group.filter((entry) => this.membershipOf(number, on, entry));
    for (const entry of new Set([...had, ...wanted])) this.purge(entry);
    const added = wanted.filter((entry) => !had.includes(entry));
    const removed = had.filter((entry) => !wanted.includes(entry));
    const isLimited = added.length > 0 && this.#isForbidden(on, group[0] ?? 0, added.length);
    if (isLimited || this.#isBeyondEntries(added)) return { status: 1003, reason: 'limit' };
    let updated = false;
    for (const entry of wanted) this.add(number, on, entry);
    for (const entry of wanted) {
      if (!this.#isExact(entry)) updated = this.#replaceList(number, on, entry, exclude);
    }
    for (const entry of removed) this.delete(number, on, entry);
    return { status: 0, added: added.length, removed: removed.length, updated };
  }

  #replaceList(
    number: ClientNumber,
    on: InterfaceNumber,
    entry: EntryNumber,
    exclude: readonly string[],
  ): boolean {
    const former = this.membershipOf(number, on, entry);
    if (!former || former.exclude.join() === exclude.join()) return false;
    const changed = { ...former, exclude };
    const present = this.members[entry] ?? [];
    this.members = this.members.with(
      entry,
      present.map((one) => (one === former ? changed : one)),
    );
    this.#tellOwner('LOCAL_JOIN', changed, entry, 'member', exclude);
    this.#log('updated', entry, changed, 'member');
    return true;
  }

  membershipOf(
    number: ClientNumber,
    on: InterfaceNumber,
    entry: EntryNumber,
  ): Membership | undefined {
    return this.members[entry]?.find((one) => one.holder === number && one.on === on);
  }

  // Static memberships.

  /** An operator adds a static membership. */
  configure(on: InterfaceNumber, entry: EntryNumber): Outcome {
    this.purge(entry);
    this.review(entry);
    const configured = this.statics[entry] ?? [];
    if (configured.includes(on)) return { status: 0, changed: false };
    if (this.#isBeyondLimit(on, entry)) return { status: 1003, reason: 'limit' };
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
    this.#changes.push({ entry, cause: 'admin' });
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
    this.#changes.push({ entry, cause: 'admin' });
    this.#raise(entry, before, 'admin', [], false);
  }

  /** Whether a static membership of a wider entry is to become active. */
  isCoverDue(entry: EntryNumber): boolean {
    const wider = this.scope.entries[entry]?.wider;
    if (wider === undefined) return false;
    return this.owners.some((_, on) => this.isToBeActive(on, wider)) || this.isCoverDue(wider);
  }

  activateAll(): void {
    for (const [entry, configured] of this.statics.entries()) {
      for (const on of configured) this.activate(on, entry);
    }
  }

  #staticOn(on: InterfaceNumber): Membership {
    const countsFor = (this.owners[on] ?? this.igmps[on])?.client ?? NOBODY;
    return { holder: NOBODY, on, countsFor, ownerHold: 0, exclude: [] };
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
      this.#changes.push({ entry, cause: one.cause });
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
  ): Refusal | undefined {
    if (!this.owners[on] && !this.igmps[on]) return { status: unheld, reason: 'not-found' };
    return this.holdOf(number, on) ? undefined : { status: 87, reason: 'not-owner' };
  }

  /** Whether a membership of the entry would be of one entry too many, or exceed a limit of the interface. */
  #isBeyondLimit(on: InterfaceNumber, entry: EntryNumber): boolean {
    return this.#isBeyondEntries([entry]) || this.#isForbidden(on, entry, 1);
  }

  /** Whether memberships of these would be of too many entries. */
  #isBeyondEntries(entries: readonly EntryNumber[]): boolean {
    const more = entries.filter((entry) => !this.#isStored(entry)).length;
    const stored = this.members.filter((_, other) => this.#isStored(other)).length;
    return more > 0 && stored + more > this.scope.entriesMax;
  }

  /** Whether the limits of an interface forbid this many more memberships of the group of an entry. */
  #isForbidden(on: InterfaceNumber, entry: EntryNumber, count: number): boolean {
    const { maxGroups, maxEntries } = this.limitsOn(on);
    const present = this.entriesOn(on);
    if (maxEntries > 0 && present.length + count > maxEntries) return true;
    const group = this.scope.entries[entry]?.group;
    if (group === undefined || maxGroups === 0) return false;
    const groups = new Set(present.map((one) => this.scope.entries[one]?.group));
    groups.delete(undefined);
    return groups.size >= maxGroups && !groups.has(group);
  }

  /** The entry of each membership on an interface, static ones included; not of those that are withdrawn. */
  entriesOn(on: InterfaceNumber): EntryNumber[] {
    return this.members.flatMap((present, entry) => [
      ...present.filter((one) => one.on === on && one.holder !== NOBODY).map(() => entry),
      ...(this.statics[entry] ?? []).filter((one) => one === on).map(() => entry),
    ]);
  }

  /** Whether an entry has a membership, a withdrawn or a dormant one included. */
  #isStored(entry: EntryNumber): boolean {
    const all = [this.members, this.withdrawn, this.statics];
    return all.some((one) => (one[entry] ?? []).length > 0);
  }

  #log(
    type: MembershipEvent['type'],
    entry: EntryNumber,
    { holder, on, countsFor, ownerHold, exclude }: Membership,
    cause: Cause,
  ): void {
    const membership = { holder, on, countsFor, ownerHold, exclude };
    this.#events.push({ mrev: ++this.mrev, type, entry, membership, cause });
    if (holder !== NOBODY && (type !== 'left' || cause === 'member')) {
      this.#changes.push({ entry, cause });
    }
  }

  // Alerts.

  /** LOCAL alerts go to the owner of the interface while the hold lasts under which IGMP added the membership. */
  #tellOwner(
    type: 'LOCAL_JOIN' | 'LOCAL_LEAVE',
    { on, ownerHold }: Membership,
    entry: EntryNumber,
    cause: Cause,
    exclude?: readonly string[],
  ): void {
    const owner = this.owners[on];
    if (!owner || owner.number !== ownerHold) return;
    const update = exclude && { exclude };
    this.#write({ to: owner.client, type, entry, on, cause, ...update });
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

  #write(fact: Fact): void {
    if (fact.type === 'RESYNC') return;
    const { to, type, cause } = fact;
    if (this.accepts(to, type, cause)) return void this.#facts.push(fact);
    if (this.#facts.some((one) => one.to === to && one.type === 'RESYNC')) {
      this.#replaced.push(fact);
    }
  }

  /**
   * One more alert item for the mailbox of a client, also one about a forwarding entry. Returns whether it is written. Section
   * 5.6: a mailbox that is full gets one RESYNC instead of the next alert.
   */
  accepts(to: ClientNumber, type: AlertType, cause: Cause): boolean {
    const { state, alerts, queued, isMuted } = this.client(to);
    if (state !== 'live' || !alerts.includes(type)) return false;
    if (isMuted && this.scope.wrong !== 'unmuted') return false;
    if (queued > this.scope.mailboxMax) {
      this.#change(to, { isMuted: true });
      this.#facts.push({ to, type: 'RESYNC', cause });
      return false;
    }
    this.#change(to, { queued: queued + 1 });
    return true;
  }

  #change(number: ClientNumber, change: Partial<Client>): void {
    this.clients = this.clients.map((one) => (one.number === number ? { ...one, ...change } : one));
  }
}

/** True if some membership has another holder and counts for another client. */
function othersWant(client: ClientNumber, members: readonly Membership[]): boolean {
  return members.some(
    ({ holder, countsFor }) => holder !== client && countsFor !== client && countsFor !== NOBODY,
  );
}

/** The wrong variant: client counts, as in MGM's own text, which ignore that IGMP's memberships count for owners. */
function othersCount(client: ClientNumber, members: readonly Membership[]): boolean {
  return members.some(({ countsFor }) => countsFor !== client && countsFor !== NOBODY);
}

/** IGMP is about to add these again: the client library holds their PRUNE back for a time (section 7.3). */
function opensWindow({ window, cause }: Withdrawn): boolean {
  return window && (cause === 'take' || cause === 'release');
}
