import {
  NOBODY,
  type Cause,
  type ClientNumber,
  type EntryChange,
  type EntryNumber,
  type Hold,
  type InterfaceNumber,
  type MembershipModel,
} from '../membership/machine.ts';

export type FlowNumber = number;
export type PrefixNumber = number;

/** An (s,g) that may have a forwarding entry. */
export interface Flow {
  /** The name that stores give it, and that of its source. */
  readonly stored: string;
  readonly source: string;
  /** The entries of memberships that cover it. */
  readonly entries: readonly EntryNumber[];
  /** The prefixes that its source is in, longest first. */
  readonly prefixes: readonly PrefixNumber[];
}

export interface ForwardingScope {
  /** In the order of listings. */
  readonly flows: readonly Flow[];
  readonly prefixes: number;
  /** The prefixes of the source of all (s,g) entries of memberships. */
  readonly memberPrefixes: readonly PrefixNumber[];
}

export interface Route {
  readonly prefix: PrefixNumber;
  readonly on: InterfaceNumber;
  readonly neighbour: string;
}

/** What reads and pushes show of a forwarding entry. */
export interface Shown {
  /** The incoming interface and the client that owns the entry. */
  readonly iif: InterfaceNumber | undefined;
  readonly owner: ClientNumber | undefined;
  /** The session of the owner. */
  readonly session: number;
  readonly upstream: string | undefined;
  readonly route: Route | undefined;
  readonly oifs: readonly InterfaceNumber[];
  readonly foreignAlerted: boolean;
  readonly timeoutMs: number;
}

export interface Mfe {
  readonly flow: FlowNumber;
  readonly incarnation: number;
  /** The hold of the incoming interface at creation. */
  readonly hold: Hold | undefined;
  readonly iif: InterfaceNumber | undefined;
  /** The interface of the route at creation. */
  readonly rpf: InterfaceNumber | undefined;
  readonly createdAt: number;
  readonly timeoutMs: number;
  readonly route: Route | undefined;
  readonly foreignAlerted: boolean;
  /** The foreign outgoing interfaces at the last evaluation. */
  readonly foreign: readonly InterfaceNumber[];
  /** What the last push showed. */
  readonly pushed: string;
  /** FORWARD put these interfaces *on* or *off*, under the hold of the client that decided. */
  readonly overrides: ReadonlyMap<InterfaceNumber, Override>;
  /** The upstream router that the owner set in the place of the route's. */
  readonly upstream: string | undefined;
  /** It belonged to IGMP, and a routing protocol took the incoming interface. */
  readonly isOver: boolean;
}

interface Override {
  readonly kind: 'on' | 'off';
  readonly hold: Hold;
  /** It was of IGMP alone, and a routing protocol took the interface. */
  readonly isOver: boolean;
}

export type Forwarded =
  | { readonly status: 0; readonly matched: number; readonly changed: boolean }
  | { readonly status: 87 | 1003 | 1168; readonly reason: string };

export type EndCause = 'timeout' | 'route' | 'iif-moved';

export interface FalseAlert {
  readonly to: ClientNumber;
  readonly type: 'JOIN_FALSE' | 'PRUNE_FALSE';
  readonly flow: FlowNumber;
  readonly incarnation: number;
  /** A PRUNE names one of these. */
  readonly from: readonly InterfaceNumber[];
  readonly cause: Cause | EndCause | 'created' | 'forward';
}

export type Push =
  | {
      readonly kind: 'set';
      readonly flow: FlowNumber;
      readonly shown: Shown;
      readonly incarnation: number;
    }
  | {
      readonly kind: 'del';
      readonly flow: FlowNumber;
      readonly incarnation: number;
      readonly cause: EndCause;
    };

const DEFAULT_TIMEOUT_MS = 900_000;

/**
 * The forwarding entries of one router (forwarding contract, sections 5 and 14) beside its memberships. What reads show is
 * derived from the present memberships, holds and clock; alerts and pushes follow when an entry is reviewed: in the step of a
 * change of memberships that cover it, at `flow.new`, otherwise by a sweep.
 */
export class MfeModel {
  readonly scope: ForwardingScope;
  readonly mfes = new Map<FlowNumber, Mfe>();
  /** By prefix. */
  routes: readonly (Route | undefined)[];
  /** The service clock, in ms. */
  clock = 0;
  readonly #members: MembershipModel;
  readonly #sessionOf: (client: ClientNumber) => number;
  /** What FORWARD and JOIN changed in this step. */
  #steered: {
    readonly entry?: EntryNumber;
    readonly flow?: FlowNumber;
    readonly cause: 'forward';
  }[] = [];
  #lastIncarnation = 0;
  /** FALSE alerts of this step, and those that were written to a mailbox. */
  #due: FalseAlert[] = [];
  #written: FalseAlert[] = [];
  #pushes = new Map<FlowNumber, Push>();

  constructor(
    scope: ForwardingScope,
    members: MembershipModel,
    sessionOf: (client: ClientNumber) => number,
  ) {
    this.scope = scope;
    this.#members = members;
    this.#sessionOf = sessionOf;
    this.routes = Array.from({ length: scope.prefixes }, () => undefined);
  }

  /** The FALSE alerts that were written since the last call in order, and the pushes: one per entry. */
  takeNews(): { readonly alerts: readonly FalseAlert[]; readonly pushes: readonly Push[] } {
    const pushes = [...this.#pushes.values()];
    this.#pushes.clear();
    return { alerts: this.#written.splice(0), pushes };
  }

  /**
   * Writes the FALSE alerts of a step to mailboxes, which they share with those about memberships, by group and source. Returns
   * how many clients got a RESYNC instead.
   */
  writeAlerts(): number {
    const mutedCount = (): number => this.#members.clients.filter(({ isMuted }) => isMuted).length;
    const before = mutedCount();
    const inOrder = this.#due.splice(0).sort((one, other) => one.flow - other.flow);
    for (const alert of inOrder) {
      const type = alert.type === 'JOIN_FALSE' ? 'JOIN_ALERT' : 'PRUNE_ALERT';
      if (this.#members.accepts(alert.to, type, 'member')) this.#written.push(alert);
    }
    return mutedCount() - before;
  }

  setRoute(prefix: PrefixNumber, to: Omit<Route, 'prefix'> | undefined): void {
    this.routes = this.routes.with(prefix, to && { prefix, ...to });
    this.#members.setRoute(this.#best(this.scope.memberPrefixes)?.on);
  }

  /** A routing protocol took an interface: an entry of IGMP, which was alone there, is over for good, and its overrides. */
  taken(on: InterfaceNumber): void {
    for (const [flow, mfe] of this.mfes) {
      const former = mfe.overrides.get(on);
      const overrides = new Map(mfe.overrides);
      if (former) overrides.set(on, { ...former, isOver: true });
      this.mfes.set(flow, { ...mfe, overrides, isOver: mfe.isOver || mfe.iif === on });
    }
  }

  /** FORWARD of an entry: add puts the interface on in every forwarding entry that it covers, delete off. */
  forward(
    client: ClientNumber,
    on: InterfaceNumber,
    entry: EntryNumber,
    kind: Override['kind'],
  ): Forwarded {
    const hold = this.#holdOn(on);
    if (!hold) return { status: kind === 'on' ? 87 : 1168, reason: 'not-found' };
    // Also IGMP beside an owner.
    if (hold.client !== client) return { status: 87, reason: 'not-owner' };
    this.#members.purge(entry);
    const covered = this.#covered(entry).filter((flow) => this.get(flow));
    const isExact = this.#members.scope.entries[entry]?.raises === false;
    if (isExact && covered.length === 0) return { status: 1003, reason: 'no-mfe' };
    const changed = covered.filter((flow) => {
      const former = this.mfes.get(flow)?.overrides.get(on);
      return former?.kind !== kind || !this.#decides(on, former);
    });
    const override: Override = { kind, hold, isOver: false };
    for (const flow of changed) this.#override(flow, (all) => new Map(all).set(on, override));
    if (changed.length > 0) this.#steered.push({ entry, cause: 'forward' });
    return { status: 0, matched: covered.length, changed: changed.length > 0 };
  }

  /** JOIN, also a repeated one, of the client that decides for an interface ends its vetoes. */
  joined(client: ClientNumber, on: InterfaceNumber, entry: EntryNumber): void {
    if (this.#holdOn(on)?.client !== client) return;
    for (const flow of this.#covered(entry)) {
      if (this.mfes.get(flow)?.overrides.get(on)?.kind !== 'off') continue;
      this.#override(flow, (all) => without(all, on));
      this.#steered.push({ flow, cause: 'forward' });
    }
  }

  /** `mfe.set` by the owner. */
  set(flow: FlowNumber, upstream: string | undefined, timeoutMs: number | undefined): void {
    const mfe = this.mfes.get(flow);
    if (!mfe) throw new RangeError(`no entry of flow ${flow}`);
    const change = { upstream: upstream ?? mfe.upstream, timeoutMs: timeoutMs ?? mfe.timeoutMs };
    this.mfes.set(flow, { ...mfe, ...change });
    this.#review(flow, 'member');
  }

  /** What `mfe.get` shows. */
  get(flow: FlowNumber): (Shown & { readonly mfe: Mfe }) | undefined {
    const mfe = this.mfes.get(flow);
    if (!mfe || this.#hasExpired(mfe) || this.#hasLostHold(mfe)) return undefined;
    return { mfe, ...this.#shown(mfe) };
  }

  /** `flow.new` of one flow without questions. */
  create(flow: FlowNumber): 'known' | 'installed' | 'negative' {
    this.#review(flow, 'route');
    if (this.mfes.has(flow)) return 'known';
    const route = this.#best(this.#flow(flow).prefixes);
    const hold = route && this.#holdOn(route.on);
    const mfe: Mfe = {
      flow,
      incarnation: ++this.#lastIncarnation,
      hold,
      iif: hold && route?.on,
      rpf: route?.on,
      createdAt: this.clock,
      timeoutMs: DEFAULT_TIMEOUT_MS,
      route,
      foreignAlerted: false,
      foreign: [],
      pushed: '',
      overrides: new Map(),
      upstream: undefined,
      isOver: false,
    };
    const foreign = this.#foreign(mfe);
    const { oifs } = this.#shown(mfe);
    if (foreign.length > 0) this.#alert(mfe, 'JOIN_FALSE', 'created');
    else if (oifs.length === 0) this.#alert(mfe, 'PRUNE_FALSE', 'created', [mfe.iif ?? 0]);
    this.#push({ ...mfe, foreign, foreignAlerted: foreign.length > 0 });
    return oifs.length > 0 ? 'installed' : 'negative';
  }

  /** Memberships or overrides changed: the entries that they cover are reviewed in the same step. */
  followMembers(changes: readonly EntryChange[]): void {
    for (const { entry, cause } of changes) {
      for (const flow of this.#covered(entry)) this.#review(flow, cause);
    }
    for (const { entry, flow, cause } of this.#steered.splice(0)) {
      const flows = flow === undefined ? this.#covered(entry ?? 0) : [flow];
      for (const one of flows) this.#review(one, cause);
    }
  }

  /** What sweeps do until nothing is left. */
  settle(): void {
    for (const flow of this.scope.flows.keys()) this.#review(flow, 'iif-moved');
  }

  #review(flow: FlowNumber, cause: FalseAlert['cause']): void {
    const mfe = this.mfes.get(flow);
    if (!mfe) return;
    if (this.#hasExpired(mfe)) return this.#delete(mfe, 'timeout');
    if (this.#hasLostHold(mfe)) {
      // A routing protocol took the interface beside IGMP, whose hold continues.
      const isBeside = mfe.iif !== undefined && this.#members.igmps[mfe.iif] === mfe.hold;
      if (isBeside) this.#dismiss(mfe, 'iif-moved');
      return this.#delete(mfe, 'iif-moved');
    }
    const route = this.#best(this.#flow(flow).prefixes);
    if (route?.on !== mfe.rpf) {
      this.#dismiss(mfe, 'route');
      return this.#delete(mfe, 'route');
    }
    if (mfe.iif === undefined && route && this.#holdOn(route.on)) {
      return this.#delete(mfe, 'iif-moved');
    }
    this.#refresh({ ...mfe, route }, cause);
  }

  #refresh(mfe: Mfe, causeOfReview: FalseAlert['cause']): void {
    const foreign = this.#foreign(mfe);
    const isForeign = foreign.length > 0;
    const overrides = new Map([...mfe.overrides].filter(([on, one]) => this.#decides(on, one)));
    // The override of the interface that appeared or went has ended.
    const [named = -1] = isForeign ? foreign : mfe.foreign;
    const hasEnded = mfe.overrides.has(named) && !overrides.has(named);
    const cause = hasEnded ? 'forward' : causeOfReview;
    if (isForeign && !mfe.foreignAlerted) this.#alert(mfe, 'JOIN_FALSE', cause);
    if (!isForeign && mfe.foreignAlerted) this.#alert(mfe, 'PRUNE_FALSE', cause, mfe.foreign);
    const next = { ...mfe, overrides, foreign, foreignAlerted: isForeign };
    if (shownText(this.#shown(next)) === mfe.pushed) this.mfes.set(mfe.flow, next);
    else this.#push(next);
  }

  #push(mfe: Mfe): void {
    const { flow, incarnation } = mfe;
    const shown = this.#shown(mfe);
    this.mfes.set(flow, { ...mfe, pushed: shownText(shown) });
    this.#pushes.set(flow, { kind: 'set', flow, incarnation, shown });
  }

  #delete({ flow, incarnation }: Mfe, cause: EndCause): void {
    this.mfes.delete(flow);
    this.#pushes.set(flow, { kind: 'del', flow, incarnation, cause });
  }

  /** The former owner learns that the foreign outgoing interfaces are gone. */
  #dismiss(mfe: Mfe, cause: EndCause): void {
    if (mfe.foreignAlerted) this.#alert(mfe, 'PRUNE_FALSE', cause, [mfe.iif ?? 0]);
  }

  #alert(
    { hold, flow, incarnation }: Mfe,
    type: FalseAlert['type'],
    cause: FalseAlert['cause'],
    from: readonly InterfaceNumber[] = [],
  ): void {
    if (!hold) return;
    const isKnown = this.#members.clients.some(({ number }) => number === hold.client);
    if (isKnown) this.#due.push({ to: hold.client, type, flow, incarnation, from, cause });
  }

  #shown(mfe: Mfe): Shown {
    const { iif, hold, route, foreignAlerted, timeoutMs } = mfe;
    const upstream = mfe.upstream ?? route?.neighbour;
    const session = hold ? this.#sessionOf(hold.client) : 0;
    return {
      ...{ iif, owner: hold?.client, session, upstream, route, foreignAlerted, timeoutMs },
      oifs: this.#oifs(mfe),
    };
  }

  /** Section 5.2. Memberships that count for no client give none, nor those of a holder that excludes the source. */
  #oifs({ flow, iif, overrides }: Mfe): InterfaceNumber[] {
    if (iif === undefined) return [];
    const found = new Set<InterfaceNumber>();
    const { entries, source } = this.#flow(flow);
    for (const entry of entries) {
      for (const { on, countsFor, exclude } of this.#members.members[entry] ?? []) {
        const isExcluded = exclude.includes(source) && !this.#members.limitsOn(on).lite;
        if (countsFor !== NOBODY && !isExcluded) found.add(on);
      }
    }
    for (const [on, override] of overrides) {
      if (!this.#decides(on, override)) continue;
      if (override.kind === 'on') found.add(on);
      else found.delete(on);
    }
    found.delete(iif);
    return [...found].toSorted((one, other) => one - other);
  }

  /** Whether the client of an override still decides for the interface. */
  #decides(on: InterfaceNumber, { hold, isOver }: Override): boolean {
    return !isOver && this.#holdOn(on) === hold;
  }

  #foreign(mfe: Mfe): InterfaceNumber[] {
    return this.#oifs(mfe).filter((on) => this.#holdOn(on)?.client !== mfe.hold?.client);
  }

  #hasExpired({ createdAt, timeoutMs }: Mfe): boolean {
    return this.clock >= createdAt + timeoutMs;
  }

  #hasLostHold({ iif, hold, isOver }: Mfe): boolean {
    return isOver || (iif !== undefined && this.#holdOn(iif) !== hold);
  }

  /** The routing protocol on an interface, or IGMP where it is alone. */
  #holdOn(on: InterfaceNumber): Hold | undefined {
    return this.#members.owners[on] ?? this.#members.igmps[on];
  }

  #best(prefixes: readonly PrefixNumber[]): Route | undefined {
    return prefixes.map((prefix) => this.routes[prefix]).find((route) => route !== undefined);
  }

  #covered(entry: EntryNumber): FlowNumber[] {
    const { flows } = this.scope;
    return [...flows.keys()].filter((flow) => flows[flow]?.entries.includes(entry));
  }

  #override(
    flow: FlowNumber,
    change: (all: Mfe['overrides']) => ReadonlyMap<InterfaceNumber, Override>,
  ): void {
    const mfe = this.mfes.get(flow);
    if (mfe) this.mfes.set(flow, { ...mfe, overrides: change(mfe.overrides) });
  }

  #flow(number: FlowNumber): Flow {
    const flow = this.scope.flows[number];
    if (!flow) throw new RangeError(`no flow ${number}`);
    return flow;
  }
}

function without(all: Mfe['overrides'], on: InterfaceNumber): Mfe['overrides'] {
  return new Map([...all].filter(([one]) => one !== on));
}

/** What reads and pushes show. The neighbour of the route is `upstream`, unless the owner set another one. */
function shownText({ route, ...rest }: Shown): string {
  return JSON.stringify({ ...rest, prefix: route?.prefix });
}
