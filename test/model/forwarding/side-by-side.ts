import { entryNamed, type OperationName } from '@mgm/protocol';
import { alertMessage, mfeMessage, type Publication } from '@mgm/store';
import { isRecord } from '../compare.ts';
import type { Managers } from '../manager.ts';
import type { Action } from '../membership/actions.ts';
import type {
  Cause,
  ClientNumber,
  EntryChange,
  EntryNumber,
  InterfaceNumber,
  Scope,
} from '../membership/machine.ts';
import {
  compare,
  LAPSE_MS,
  SideBySide,
  type NamedEntry,
  type Raw,
} from '../membership/side-by-side.ts';
import { Agent, type Push as Changes } from './agent.ts';
import {
  MfeModel,
  type EndCause,
  type FalseAlert,
  type Flow,
  type FlowNumber,
  type ForwardingScope,
  type PrefixNumber,
  type Push,
  type Route,
  type Shown,
} from './mfe-model.ts';

/** What concerns routes and forwarding entries. */
export type ForwardingAction =
  | { readonly do: 'flows'; readonly flows: readonly FlowNumber[] }
  | {
      readonly do: 'rib';
      readonly prefix: PrefixNumber;
      readonly to: Omit<Route, 'prefix'> | undefined;
    }
  | {
      readonly do: 'on' | 'off';
      readonly client: ClientNumber;
      readonly on: InterfaceNumber;
      readonly entry: EntryNumber;
    }
  | {
      readonly do: 'set';
      readonly client: ClientNumber;
      readonly flow: FlowNumber;
      readonly upstream?: string;
      readonly timeoutMs?: number;
    }
  | { readonly do: 'age'; readonly ms: number };

export interface WireScope extends ForwardingScope {
  /** By prefix: network and length. */
  readonly networks: readonly (readonly [network: string, length: number])[];
}

/** The agent loses every third push and gets every second one twice; it restarts where their number is a multiple of four. */
const [LOST_EVERY, REPEATED_EVERY, RESTARTS_EVERY] = [3, 2, 4];
const PROTOCOL_OF_ROUTES = 7;
const IGMP = 10;
/** The flag FORWARD of `member.add` and `member.delete`. */
const FORWARD = 2;

/** A router with forwarding entries and its model, given the same actions and compared after each. */
export class ForwardingSideBySide {
  readonly base: SideBySide;
  readonly model: MfeModel;
  readonly #scope: WireScope;
  /** Incarnations of the managers by those of the model. */
  readonly #incarnations = new Map<number, number>();
  /** The highest `iifEpoch` of each interface. */
  readonly #epochs = new Map<number, bigint>();
  /** The number of the last push. */
  #frev = 0;
  /** It receives pushes with losses and repeats. */
  readonly #agent: Agent;
  /** Counts pushes: which of them are lost or repeated. */
  #pushes = 0;
  /** Kinds of alerts and pushes that occurred, each with its cause, and `RESYNC` where a FALSE alert did not fit. */
  readonly seen = new Set<string>();
  /** What is performed now. */
  #action: Action | undefined;
  /** Why entries changed in this step, other than by requests of clients. */
  #causes: ReadonlySet<Cause> = new Set();

  constructor(
    managers: Managers,
    members: Scope & { readonly entries: readonly NamedEntry[] },
    scope: WireScope,
  ) {
    this.base = new SideBySide(managers, members, (changes) => this.#onChanges(changes));
    this.#scope = scope;
    const sessionOf = (client: number): number => this.base.session(client).number;
    this.model = new MfeModel(scope, this.base.model, sessionOf);
    this.#agent = new Agent({
      fib: (from) => this.#readLog(from),
      list: async () => await this.#listPages(),
    });
  }

  async perform(action: Action | ForwardingAction, repeat: boolean): Promise<void> {
    switch (action.do) {
      case 'flows':
        return await this.#createFlows(action.flows, repeat);
      case 'rib':
        return await this.#setRoute(action.prefix, action.to, repeat);
      case 'on':
      case 'off':
        return await this.#forward(action, repeat);
      case 'set':
        return await this.#setMfe(action, repeat);
      case 'age':
        this.#tell(action);
        this.model.clock += action.ms;
        return await this.base.passTime(action.ms);
      case 'purge':
      case 'review':
      case 'activate':
        return await this.settle();
      default: {
        if (action.do === 'stale') this.model.clock += LAPSE_MS;
        if (action.do === 'take' && !this.base.isIgmp(action.client)) this.model.taken(action.on);
        this.#action = action;
        const published = await this.base.perform(action, repeat);
        this.#action = undefined;
        await this.#compareStep(published);
      }
    }
  }

  /** Forwarding entries follow memberships in the same step. Their alerts are the last in it. */
  #onChanges(changes: readonly EntryChange[]): void {
    if (this.#action && !this.base.isRefused) this.#undoVetoes(this.#action);
    this.model.followMembers(changes);
    if (this.model.writeAlerts() > 0) this.seen.add('RESYNC');
    const causes = changes.map(({ cause }) => cause).filter((cause) => cause !== 'member');
    this.#causes = new Set(causes);
  }

  /** JOIN ends vetoes, also a repeated one, but not one that a limit forbids. */
  #undoVetoes(action: Action): void {
    if (action.do === 'add') this.model.joined(action.client, action.on, action.entry);
    if (action.do !== 'filter') return;
    for (const entry of action.filter.wanted) this.model.joined(action.client, action.on, entry);
  }

  /**
   * Sweeps until nothing is left to do. Then the agent has what `mfe.list` lists. Mailboxes are read before and after: slices of
   * a sweep may send alerts for a change and its opposite, which the model does not have.
   */
  async settle(): Promise<void> {
    await this.#readMailboxes();
    const published = await this.base.settle();
    this.model.settle();
    this.model.writeAlerts();
    await this.#compareNews(published, false);
    await this.#readMailboxes();
    await this.#agent.follow(this.#frev);
    compare(
      'the table of the agent',
      sortedByName(this.#agent.entries.map(withoutTimes)),
      sortedByName(await this.#listAll()),
    );
    if (this.#pushes % RESTARTS_EVERY === 0) this.#agent.restart();
  }

  async #readMailboxes(): Promise<void> {
    for (const { number, state, queued, isMuted } of this.base.model.clients) {
      if (state !== 'live' || isMuted || queued === 0) continue;
      await this.base.perform({ do: 'acknowledge', client: number }, false);
    }
  }

  async #readLog(from: number): Promise<Changes[]> {
    const reply = await this.base.ask('fib', { from });
    compare('fib', [reply['status'], reply['head']], [0, this.#frev]);
    return listIn(reply, 'changes').map(({ first, items }) => ({
      first: Number(first),
      items: Array.isArray(items) ? items : [],
    }));
  }

  async #listPages(): Promise<{ frev: number; items: Raw[] }[]> {
    return [{ frev: this.#frev, items: await this.#listAll() }];
  }

  /** Of the pushes some are lost, and some come again. */
  async #pushToAgent(push: Changes): Promise<void> {
    const turn = this.#pushes++;
    if (turn % LOST_EVERY === 0) return;
    await this.#agent.receive(push);
    if (turn % REPEATED_EVERY === 0) await this.#agent.receive(push);
  }

  /** Compares what reads of forwarding entries show. */
  async look(): Promise<void> {
    const { flows } = this.#scope;
    const asked = flows.map(({ stored }) => this.base.ask('mfe.get', entryNamed(stored)));
    const [listed, ...replies] = await Promise.all([this.#listAll(), ...asked]);
    const shown = replies.map((reply, flow) => this.#lookAt(flow, reply));
    const present = shown.filter((mfe) => mfe !== undefined);
    compare('mfe.list', listed, present);
    await Promise.all(present.map((mfe) => this.#compareEpoch(mfe)));
  }

  /** A reply to `mfe.get`. Returns what it shows, without the fields that depend on time. */
  #lookAt(flow: FlowNumber, reply: Raw): Raw | undefined {
    const present = this.model.get(flow);
    if (!present) {
      compare(`flow ${flow}`, [reply['status'], reply['reason']], [1168, 'not-found']);
      return undefined;
    }
    compare(`flow ${flow}`, [reply['status'], reply['frev']], [0, this.#frev]);
    const mfe = recordIn(reply, 'mfe');
    this.#compareMfe(flow, mfe, present, present.mfe.incarnation);
    return withoutTimes(mfe);
  }

  /** Ends all routes; their session with them. */
  async endRoutes(): Promise<void> {
    for (const prefix of this.model.routes.keys()) this.model.setRoute(prefix, undefined);
    await this.base.endRoutes();
  }

  async #createFlows(flows: readonly FlowNumber[], repeat: boolean): Promise<void> {
    const { handle } = await this.base.helper();
    this.#tell({ do: 'flows', flows });
    const expected = flows.map((flow) => this.model.create(flow));
    const request = {
      handle,
      flows: flows.map((flow) => {
        const { group, source } = entryNamed(this.#flow(flow).stored);
        return [group, source, 1, ''];
      }),
    };
    const results = listIn(await this.base.ask('flow.new', request), 'results');
    compare(
      'states',
      results.map(({ state }) => state),
      expected,
    );
    for (const [at, flow] of flows.entries()) {
      const mfe = recordIn(results[at] ?? {}, 'mfe');
      const present = this.model.get(flow);
      if (!present) throw new Error(`the model has no flow ${flow}`);
      this.#learn(present.mfe.incarnation, Number(mfe['incarnation']));
      this.#compareMfe(flow, mfe, present, present.mfe.incarnation);
    }
    await this.#compareStep(this.base.follow());
    if (!repeat) return;
    const again = listIn(await this.base.ask('flow.new', request), 'results');
    compare(
      'states again',
      again.map(({ state }) => state),
      flows.map(() => 'known'),
    );
    await this.#compareStep(this.base.follow());
  }

  async #setRoute(
    prefix: PrefixNumber,
    to: Omit<Route, 'prefix'> | undefined,
    repeat: boolean,
  ): Promise<void> {
    const helper = await this.base.helper();
    this.#tell({ do: 'rib', prefix, to });
    const former = this.model.routes[prefix];
    const isChanged = former?.on !== to?.on || former?.neighbour !== to?.neighbour;
    this.model.setRoute(prefix, to);
    const seq = ++helper.seq;
    const fields = to ? [to.on + 1, '', to.neighbour, PROTOCOL_OF_ROUTES] : [];
    const routes = [[...(this.#scope.networks[prefix] ?? []), ...fields]];
    const request = { handle: helper.handle, seq, ack: seq, routes };
    const operation = to ? 'rib.set' : 'rib.delete';
    const reply = await this.base.ask(operation, request);
    compare(operation, [reply['status'], reply['count']], [0, Number(isChanged)]);
    if (repeat) compare('the repeat', await this.base.ask(operation, request), reply);
    await this.#compareStep(this.base.follow());
  }

  async #forward(
    action: Extract<ForwardingAction, { readonly do: 'on' | 'off' }>,
    repeat: boolean,
  ): Promise<void> {
    const { client, on, entry } = action;
    this.#tell(action);
    const expected = this.model.forward(client, on, entry, action.do);
    const named = this.base.entryNamed(entry);
    const fields = { ifIndex: on + 1, ...named, flags: FORWARD };
    const operation = action.do === 'on' ? 'member.add' : 'member.delete';
    const reply = await this.#askNumbered(client, operation, fields, repeat);
    const { status } = expected;
    compare(operation, reply['status'], status);
    if (status !== 0) compare(operation, reply['reason'], expected.reason);
    else {
      const { matched, changed } = expected;
      compare(operation, [reply['matched'], reply['changed']], [matched, changed]);
    }
    await this.#compareStep(this.base.follow());
  }

  async #setMfe(
    action: Extract<ForwardingAction, { readonly do: 'set' }>,
    repeat: boolean,
  ): Promise<void> {
    const { client, flow, upstream, timeoutMs } = action;
    this.#tell(action);
    const present = this.model.get(flow);
    const incarnation = this.#incarnations.get(present?.mfe.incarnation ?? 0) ?? 1;
    const fields = { ...entryNamed(this.#flow(flow).stored), upstream, timeoutMs, incarnation };
    const reply = await this.#askNumbered(client, 'mfe.set', fields, repeat);
    if (!present) compare('mfe.set', [reply['status'], reply['reason']], [1168, 'not-found']);
    else if (present.owner !== client) {
      compare('mfe.set', [reply['status'], reply['reason']], [87, 'not-owner']);
    } else {
      compare('mfe.set', reply['status'], 0);
      this.model.set(flow, upstream, timeoutMs);
    }
    await this.#compareStep(this.base.follow());
  }

  /** A request that is numbered; where `repeat` says so, sent twice. */
  async #askNumbered(
    client: ClientNumber,
    operation: OperationName,
    fields: object,
    repeat: boolean,
  ): Promise<Raw> {
    const session = this.base.session(client);
    const seq = ++session.seq;
    const request = { handle: session.handle, seq, ack: seq, ...fields };
    const reply = await this.base.ask(operation, request);
    if (repeat) compare('the repeat', await this.base.ask(operation, request), reply);
    return reply;
  }

  #tell(action: ForwardingAction): void {
    this.base.story.push(JSON.stringify(action));
  }

  /** What followed in the step of a request. Of several causes of one purge, the alerts that follow name one. */
  async #compareStep(published: readonly Publication[]): Promise<void> {
    await this.#compareNews(published, true, this.#causes.size <= 1);
  }

  // Reads.

  /** Every page, each from another manager: by `cursor`, or every other time by `after`. */
  async #listAll(): Promise<Raw[]> {
    const items: Raw[] = [];
    for (let from: object = {}; ;) {
      const reply = await this.base.ask('mfe.list', { ...from, limit: 2 });
      compare('mfe.list', [reply['status'], reply['frev']], [0, this.#frev]);
      const page = listIn(reply, 'items');
      items.push(...page.map(withoutTimes));
      const { cursor } = reply;
      if (cursor === undefined) return items;
      const last = page.at(-1);
      from =
        last && items.length % 4 === 0 ? { after: [last['group'], last['source']] } : { cursor };
    }
  }

  #compareMfe(flow: FlowNumber, mfe: Raw, shown: Shown, incarnation: number): void {
    compare(`flow ${flow}`, pickFields(mfe), this.#fieldsOf(shown));
    compare(`incarnation of flow ${flow}`, mfe['incarnation'], this.#incarnations.get(incarnation));
    const { upMs, expiresInMs, timeoutMs } = mfe;
    compare(`times of flow ${flow}`, Number(upMs) + Number(expiresInMs), timeoutMs);
  }

  /** `iifEpoch` is the epoch that `owner` reports, or, of IGMP, that of a later owner. It never falls. */
  async #compareEpoch({ ifIndex, nextHop, iifEpoch, protocolId }: Raw): Promise<void> {
    if (ifIndex === 0) return compare('iifEpoch of none', iifEpoch, '0');
    const owner = await this.base.ask('owner', { ifIndex, nextHop });
    const [shown, held] = [BigInt(String(iifEpoch)), BigInt(String(owner['epoch']))];
    const isOfHold = shown === held || (protocolId === IGMP && shown > held);
    compare(
      `iifEpoch of interface ${String(ifIndex)}, which is held under ${held}`,
      isOfHold,
      true,
    );
    const highest = this.#epochs.get(Number(ifIndex)) ?? 0n;
    compare(`iifEpoch of interface ${String(ifIndex)} falls`, shown < highest, false);
    this.#epochs.set(Number(ifIndex), shown);
  }

  #fieldsOf({ iif, owner, session, upstream, route, oifs, foreignAlerted, timeoutMs }: Shown): Raw {
    const [network, length] = this.#scope.networks[route?.prefix ?? 0] ?? [];
    return {
      ifIndex: iif === undefined ? 0 : iif + 1,
      nextHop: '',
      protocolId: owner === undefined ? 0 : this.base.protocolOf(owner),
      session,
      upstream,
      route: route && { network, length, protocolId: PROTOCOL_OF_ROUTES },
      oifs: oifs.map((on) => [on + 1, '']),
      oifCount: oifs.length,
      foreignAlerted,
      timeoutMs,
    };
  }

  #flowOf({ group, source }: Raw): FlowNumber {
    return this.#scope.flows.findIndex(({ stored }) => {
      const named = entryNamed(stored);
      return named.group === group && named.source === source;
    });
  }

  #flow(number: FlowNumber): Flow {
    const flow = this.#scope.flows[number];
    if (!flow) throw new RangeError(`no flow ${number}`);
    return flow;
  }

  #learn(incarnation: number, real: number): void {
    const before = this.#incarnations.get(incarnation);
    if (before !== undefined) return compare('incarnation', real, before);
    const highest = Math.max(0, ...this.#incarnations.values());
    compare('a new incarnation is the highest', real > highest, true);
    this.#incarnations.set(incarnation, real);
  }

  // Alerts and pushes.

  async #compareNews(
    published: readonly Publication[],
    isOneStep: boolean,
    withCause = false,
  ): Promise<void> {
    const { alerts, pushes } = this.model.takeNews();
    await this.#comparePushes(published, pushes, isOneStep);
    for (const { type, cause } of alerts) this.seen.add(`${type} ${cause}`);
    for (const push of pushes) this.seen.add(push.kind === 'set' ? 'set' : `del ${push.cause}`);
    for (const { number } of this.base.model.clients) {
      const all = this.#falseAlertsOf(number, published, isOneStep, withCause);
      const found = isOneStep ? all : withoutPairs(all);
      const mine = alerts.filter(({ to }) => to === number);
      const expected = isOneStep ? mine : withoutPairs(mine);
      const byFlow = expected.toSorted((one, other) => one.flow - other.flow);
      const wanted = byFlow.map((alert) => this.#alertText(alert, withCause));
      const told = found.toSorted((one, other) => one.flow - other.flow);
      if (isOneStep) compare(`order of the FALSE alerts of client ${number}`, found, told);
      compare(
        `FALSE alerts of client ${number}`,
        told.map(({ text }) => text),
        wanted,
      );
      for (const [at, { on }] of told.entries()) {
        const from = byFlow[at]?.from ?? [];
        if (from.length > 0) compare('a named interface', from.includes(on - 1), true);
      }
    }
  }

  #alertText({ type, flow, incarnation, cause }: FalseAlert, withCause: boolean): string {
    const real = this.#incarnations.get(incarnation);
    return [type, flow, real, ...(withCause ? [cause] : [])].join(' ');
  }

  /** FALSE alerts of a client in the order of its mailbox. They follow the TRUE alerts of their step. */
  #falseAlertsOf(
    client: number,
    published: readonly Publication[],
    isOneStep: boolean,
    withCause: boolean,
  ): Told[] {
    const found: Told[] = [];
    let isMuted = false;
    for (const { alerts, ts } of published) {
      for (const run of alerts) {
        const mine = run.recipients.find(({ session }) => this.base.clientOf(session) === client);
        if (!mine) continue;
        const isFalse = run.type.endsWith('_FALSE');
        if (isMuted) compare('an alert after RESYNC', run.type, '');
        isMuted = run.type === 'RESYNC';
        if (isMuted) continue;
        if (isOneStep && !isFalse) compare('TRUE alerts are before FALSE alerts', found, []);
        if (!isFalse) continue;
        const message = alertMessage(run, mine.seq, ts);
        const items: readonly (readonly unknown[])[] = 'items' in message ? message.items : [];
        for (const item of items) {
          const [group, source, on] = item;
          const flow = this.#flowOf({ group, source });
          const text = [run.type, flow, item.at(-1), ...(withCause ? [run.cause] : [])].join(' ');
          const { type } = run;
          found.push({ flow, type, text, on: type === 'PRUNE_FALSE' ? Number(on) : 0 });
        }
      }
    }
    return found;
  }

  async #comparePushes(
    published: readonly Publication[],
    expected: readonly Push[],
    isOneStep: boolean,
  ): Promise<void> {
    const messages = published.flatMap(({ fib }) => fib.map(mfeMessage));
    for (const { first, last, items } of messages) {
      compare('first of a push', first, this.#frev + 1);
      compare('last of a push', last, first + items.length - 1);
      this.#frev = last;
    }
    // Only now: where a push was lost, the agent reads the log to its end.
    for (const message of messages) await this.#pushToAgent(message);
    const items: (readonly unknown[])[] = messages.flatMap((message) => message.items);
    const found = items.map(([kind, mfe, ...rest]) =>
      kind === 'set'
        ? { kind, ...this.#pushed(mfe as Raw) }
        : { kind, flow: this.#flowOf({ group: mfe, source: rest[0] }), rest: rest.slice(1) },
    );
    const wanted = expected.map((push) =>
      push.kind === 'set'
        ? { kind: push.kind, flow: push.flow, ...this.#wanted(push) }
        : {
            kind: push.kind,
            flow: push.flow,
            rest: [this.#incarnations.get(push.incarnation), push.cause satisfies EndCause],
          },
    );
    const byFlow = (one: { flow: number }, other: { flow: number }): number =>
      one.flow - other.flow;
    if (isOneStep) return compare('pushes', found.toSorted(byFlow), wanted.toSorted(byFlow));
    // Slices of sweeps may push an entry several times: the last push shows what the entry is.
    const last = new Map(found.map((one) => [one.flow, one]));
    for (const flow of last.keys()) {
      const present = wanted.some((one) => one.flow === flow) ? undefined : this.model.get(flow);
      if (!present) continue;
      const { incarnation } = present.mfe;
      wanted.push({ kind: 'set', flow, ...this.#wanted({ incarnation, shown: present }) });
    }
    compare('last pushes', [...last.values()].toSorted(byFlow), wanted.toSorted(byFlow));
  }

  #pushed(mfe: Raw): { flow: number; incarnation: unknown; shown: Raw } {
    return { flow: this.#flowOf(mfe), incarnation: mfe['incarnation'], shown: pickFields(mfe) };
  }

  #wanted({ incarnation, shown }: Pick<Extract<Push, { kind: 'set' }>, 'incarnation' | 'shown'>): {
    incarnation: unknown;
    shown: Raw;
  } {
    return { incarnation: this.#incarnations.get(incarnation), shown: this.#fieldsOf(shown) };
  }
}

/**
 * Slices of sweeps may alert an owner of foreign interfaces that go and come again, in an order of their own: of alerts that
 * cancel out none are left.
 */
function withoutPairs<Alert extends { readonly flow: FlowNumber; readonly type: string }>(
  alerts: readonly Alert[],
): Alert[] {
  const byFlow = Map.groupBy(alerts, ({ flow }) => flow);
  return [...byFlow.values()].flatMap((ofFlow) => {
    for (const [at, { type }] of ofFlow.entries()) {
      compare('FALSE alerts alternate', type === ofFlow[at + 1]?.type, false);
    }
    return ofFlow.length % 2 === 0 ? [] : ofFlow.slice(-1);
  });
}

interface Told {
  readonly flow: FlowNumber;
  readonly type: string;
  readonly text: string;
  readonly on: number;
}

const SHOWN = [
  'ifIndex',
  'nextHop',
  'protocolId',
  'session',
  'upstream',
  'route',
  'oifs',
  'oifCount',
  'foreignAlerted',
  'timeoutMs',
] as const;

/** The fields of an entry that do not depend on time or on numbers of a manager. */
function pickFields(mfe: Raw): Raw {
  return Object.fromEntries(SHOWN.map((name) => [name, mfe[name]]));
}

function sortedByName(mfes: readonly Raw[]): Raw[] {
  const nameOf = ({ group, source }: Raw): string => `${String(group)} ${String(source)}`;
  return mfes.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

function withoutTimes({ upMs: _, expiresInMs: __, ...rest }: Raw): Raw {
  return rest;
}

function recordIn(reply: Raw, field: string): Raw {
  const value = reply[field];
  if (!isRecord(value)) throw new Error(`no ${field}: ${JSON.stringify(reply)}`);
  return value;
}

function listIn(reply: Raw, field: string): Raw[] {
  const list = reply[field];
  if (!Array.isArray(list)) throw new Error(`no ${field}: ${JSON.stringify(reply)}`);
  return list.filter(isRecord);
}
