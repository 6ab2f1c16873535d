import type {
  Cause,
  ClientNumber,
  EntryNumber,
  Hold,
  InterfaceNumber,
  MembershipEvent,
  MembershipModel,
} from '../membership/machine.ts';

export type FlowNumber = number;
export type PrefixNumber = number;

/** An (s,g) that may have a forwarding entry. */
export interface Flow {
  /** The name that stores give it. */
  readonly stored: string;
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
  /** It belonged to IGMP, and a routing protocol took the incoming interface. */
  readonly isOver: boolean;
}

export type EndCause = 'timeout' | 'route' | 'iif-moved';

export interface FalseAlert {
  readonly to: ClientNumber;
  readonly type: 'JOIN_FALSE' | 'PRUNE_FALSE';
  readonly flow: FlowNumber;
  readonly incarnation: number;
  /** A PRUNE names one of these. */
  readonly from: readonly InterfaceNumber[];
  readonly cause: Cause | EndCause | 'created';
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
  #lastIncarnation = 0;
  #alerts: FalseAlert[] = [];
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

  /** The FALSE alerts since the last call in order, and the pushes: one per entry. */
  takeNews(): { readonly alerts: readonly FalseAlert[]; readonly pushes: readonly Push[] } {
    const pushes = [...this.#pushes.values()];
    this.#pushes.clear();
    return { alerts: this.#alerts.splice(0), pushes };
  }

  setRoute(prefix: PrefixNumber, to: Omit<Route, 'prefix'> | undefined): void {
    this.routes = this.routes.with(prefix, to && { prefix, ...to });
    this.#members.setRoute(this.#best(this.scope.memberPrefixes)?.on);
  }

  /** A routing protocol took an interface: an entry of IGMP, which was alone there, is over for good. */
  taken(on: InterfaceNumber): void {
    for (const [flow, mfe] of this.mfes) {
      if (mfe.iif === on) this.mfes.set(flow, { ...mfe, isOver: true });
    }
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
      isOver: false,
    };
    const foreign = this.#foreign(mfe);
    const { oifs } = this.#shown(mfe);
    if (foreign.length > 0) this.#alert(mfe, 'JOIN_FALSE', 'created');
    else if (oifs.length === 0) this.#alert(mfe, 'PRUNE_FALSE', 'created', [mfe.iif ?? 0]);
    this.#push({ ...mfe, foreign, foreignAlerted: foreign.length > 0 });
    return oifs.length > 0 ? 'installed' : 'negative';
  }

  /** Memberships changed: the entries that they cover are reviewed in the same step. */
  followMembers(events: readonly MembershipEvent[]): void {
    for (const { entry, cause } of events) {
      for (const [flow, { entries }] of this.scope.flows.entries()) {
        if (entries.includes(entry)) this.#review(flow, cause);
      }
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

  #refresh(mfe: Mfe, cause: FalseAlert['cause']): void {
    const foreign = this.#foreign(mfe);
    const isForeign = foreign.length > 0;
    if (isForeign && !mfe.foreignAlerted) this.#alert(mfe, 'JOIN_FALSE', cause);
    if (!isForeign && mfe.foreignAlerted) this.#alert(mfe, 'PRUNE_FALSE', cause, mfe.foreign);
    const next = { ...mfe, foreign, foreignAlerted: isForeign };
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
    const owner = this.#members.clients.find(({ number }) => number === hold.client);
    const wanted = type === 'JOIN_FALSE' ? 'JOIN_ALERT' : 'PRUNE_ALERT';
    if (owner?.state !== 'live' || !owner.alerts.includes(wanted)) return;
    this.#alerts.push({ to: owner.number, type, flow, incarnation, from, cause });
  }

  #shown(mfe: Mfe): Shown {
    const { iif, hold, route, foreignAlerted, timeoutMs } = mfe;
    const session = hold ? this.#sessionOf(hold.client) : 0;
    return {
      ...{ iif, owner: hold?.client, session, route, foreignAlerted, timeoutMs },
      oifs: this.#oifs(mfe),
    };
  }

  /** Section 5.2. */
  #oifs({ flow, iif }: Mfe): InterfaceNumber[] {
    if (iif === undefined) return [];
    const found = new Set<InterfaceNumber>();
    for (const entry of this.#flow(flow).entries) {
      for (const { on } of this.#members.members[entry] ?? []) found.add(on);
    }
    found.delete(iif);
    return [...found].toSorted((one, other) => one - other);
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

  #flow(number: FlowNumber): Flow {
    const flow = this.scope.flows[number];
    if (!flow) throw new RangeError(`no flow ${number}`);
    return flow;
  }
}

function shownText(shown: Shown): string {
  return JSON.stringify(shown);
}
