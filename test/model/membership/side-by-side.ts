import { entryNamed, parseRequest, routerName, type OperationName } from '@mgm/protocol';
import { alertMessage, membershipEventOf, type Publication, type Store } from '@mgm/store';
import { storedNumber } from '@mgm/test-support';
import { isDeepStrictEqual } from 'node:util';
import type { Managers } from '../manager.ts';
import type { Action } from './actions.ts';
import {
  MembershipModel,
  NOBODY,
  type ClientNumber,
  type Entry,
  type EntryNumber,
  type EntryChange,
  type Fact,
  type InterfaceNumber,
  type Limits,
  type MembershipEvent,
  type News,
  type Outcome,
  type Pair,
  type Scope,
} from './machine.ts';

/** An entry with the name that stores give it. */
export interface NamedEntry extends Entry {
  readonly stored: string;
}

/** The present session of a client of the model. */
export interface Session {
  readonly handle: string;
  readonly number: number;
  seq: number;
}

export type Raw = Readonly<Record<string, unknown>>;

const TTL_MS = 60_000;
/** By how much the end of a lease moves the service clock. */
export const LAPSE_MS = (TTL_MS * 7) / 6;
/** Long enough that no grace time ends in a run. */
const GRACE_MS = 3_600_000;

/** The alert items that a mailbox keeps unacknowledged. */
export const MAILBOX_MAX = 65_536;

const SWEEPS = ['purge', 'review', 'activate'] as const;
type SetFilter = Extract<Action, { readonly do: 'filter' }>;

function isSweep(action: Action): boolean {
  return SWEEPS.some((one) => one === action.do);
}

let runs = 0;

/** A router and its membership model, given the same actions and compared after each. Every difference is an error. */
export class SideBySide {
  readonly model: MembershipModel;
  /** What happened, a line each. */
  readonly story: string[] = [];
  readonly #managers: Managers;
  readonly #router = routerName(`members-${process.pid}-${++runs}`);
  readonly #entries: readonly NamedEntry[];
  readonly #sessions = new Map<ClientNumber, Session>();
  /** Clients by session, also by those that are over. */
  readonly #clients = new Map<number, ClientNumber>([[0, NOBODY]]);
  /** The number of the last RESYNC of each client. */
  readonly #resyncs = new Map<ClientNumber, number>();
  /** The session of routes and flows, which takes no interface. */
  #helper: Session | undefined;
  /** The last change of memberships or of an owner's settings was refused, as it should be. */
  isRefused = false;
  readonly #onChanges: ((changes: readonly EntryChange[]) => void) | undefined;
  /** Entries of which a sweep may compute `covered` before or after static memberships become active. */
  #coverDue: ReadonlySet<EntryNumber> = new Set();
  #instances = 0;
  #turn = 0;

  /** `onChanges` is called with the entries that changed in the model, before alerts are compared. */
  constructor(
    managers: Managers,
    scope: Scope & { readonly entries: readonly NamedEntry[] },
    onChanges?: (changes: readonly EntryChange[]) => void,
  ) {
    this.model = new MembershipModel(scope);
    this.#onChanges = onChanges;
    this.#managers = managers;
    this.#entries = scope.entries;
    managers.published.length = 0;
  }

  /** Performs an action, and where `repeat` says so sends its request twice. Returns what the managers published. */
  async perform(action: Action, repeat: boolean): Promise<readonly Publication[]> {
    this.story.push(JSON.stringify(action));
    if (isSweep(action)) return await this.settle();
    await this.#perform(action, repeat);
    return this.follow();
  }

  /** Compares what was published since the last action with what the model says. */
  follow(): readonly Publication[] {
    this.#followChanges();
    return this.#compareNews(this.model.takeNews());
  }

  #followChanges(): void {
    const changes = this.model.takeChanges();
    this.#onChanges?.(changes);
  }

  /** The client of a session, also of one that is over. */
  clientOf(session: number): ClientNumber | undefined {
    return this.#clients.get(session);
  }

  /** The protocol id that a client has in messages. */
  protocolOf(client: ClientNumber): number {
    return this.isIgmp(client) ? 10 : 103;
  }

  isIgmp(client: ClientNumber): boolean {
    return this.model.client(client).pair.isIgmp;
  }

  /** Compares the listings of all live clients and those without a handle. */
  async look(): Promise<void> {
    const { clients, members, statics } = this.model;
    for (const { number, state } of clients) {
      if (state === 'live') await this.#compareGroups(number);
    }
    const listed = await this.#listAll('members', {});
    const expected = members.flatMap((all, entry) =>
      all
        .filter(({ holder }) => holder !== NOBODY)
        .map(({ holder, on, countsFor, exclude }) => [
          ...this.#wireEntry(entry),
          on + 1,
          '',
          this.session(holder).number,
          countsFor === NOBODY ? 0 : this.session(countsFor).number,
          ...(exclude.length > 0 ? [this.#sources(entry, exclude)] : []),
        ]),
    );
    const configured = statics.flatMap((all, entry) =>
      all.map((on) => {
        const active = this.model.activeStatic(on, entry);
        const countsFor = active ? this.session(active.countsFor).number : 0;
        return [...this.#wireEntry(entry), on + 1, '', 0, countsFor];
      }),
    );
    compare('members', sorted(listed), sorted([...expected, ...configured]));
  }

  /** Sweeps until nothing is left to do. Afterwards everything is settled. */
  async settle(): Promise<readonly Publication[]> {
    this.story.push('sweep');
    for (let more = true; more;) more = (await this.#store().sweep(this.#router)).more;
    this.#coverDue = new Set(this.#entries.keys().filter((one) => this.model.isCoverDue(one)));
    // Static memberships become active after all purges.
    this.model.settle();
    this.#followChanges();
    this.model.activateAll();
    this.model.reviewAll();
    const published = this.follow();
    this.#coverDue = new Set();
    const { head } = await this.#store().head(this.#router);
    compare('settled', head.settled, head.rev);
    compare('head.mrev', head.mrev, this.model.mrev);
    compare('rsettled', head.rsettled, head.rrev);
    compare('msettled', head.msettled, head.mrev);
    return published;
  }

  /** Ends the session of routes and flows, and with it the route. */
  async endRoutes(): Promise<void> {
    if (!this.#helper) return;
    const { handle, seq } = this.#helper;
    this.#helper = undefined;
    await this.ask('deregister', { handle, seq: seq + 1, ack: seq + 1 });
    this.model.setRoute(undefined);
  }

  /** V6: what is stored when no membership is left. */
  async keysLeft(): Promise<readonly string[]> {
    const { redis } = this.#managers;
    const prefix = `mgm:{${this.#router}}:`;
    const keys = await redis.keys(`${prefix}*`);
    const schema = await redis.hget(`${prefix}meta`, 'schema');
    const ofClients = /^(client|owned|mailbox):/;
    return [...keys.map((key) => key.slice(prefix.length)), `schema ${schema}`]
      .filter((key) => !ofClients.test(key))
      .sort();
  }

  async #perform(action: Action, repeat: boolean): Promise<void> {
    const { model } = this;
    switch (action.do) {
      case 'register':
        return await this.#register(model.register(action.pair, action.alerts), action.pair, false);
      case 'resume':
        model.resume(action.client);
        return await this.#register(action.client, model.client(action.client).pair, true);
      case 'take':
        model.take(action.client, action.on, action.advise);
        return await this.#change(
          action.client,
          'take',
          { ifIndex: action.on + 1, ...(action.advise && { localMembers: 'advise' }) },
          repeat,
        );
      case 'advise':
        return await this.#setAdvise(action, repeat);
      case 'limit':
        return await this.#setLimits(action.on, action.limits);
      case 'release':
        model.release(action.client, action.on, 'release');
        return await this.#change(action.client, 'release', { ifIndex: action.on + 1 }, repeat);
      case 'add':
      case 'delete': {
        const { client, on, entry } = action;
        const outcome = model[action.do](client, on, entry);
        const { group, source } = entryNamed(this.#entries[entry]?.stored ?? '');
        const fields = { ifIndex: on + 1, group, source };
        return await this.#change(client, `member.${action.do}`, fields, repeat, outcome);
      }
      case 'filter':
        return await this.#setFilter(action, repeat);
      case 'end':
        model.end(action.client, action.cause);
        return await this.#end(action.client, action.cause);
      case 'stale':
        model.stale(action.client);
        return await this.#lapse(action.client);
      case 'acknowledge':
        model.acknowledge(action.client, action.isBeforeResync);
        return await this.#acknowledge(action.client, action.isBeforeResync);
      case 'fill':
        return await this.#fill(action.client, action.room);
      case 'route':
        model.setRoute(action.to);
        return await this.#setRoute(action.to, repeat);
      case 'list':
        return await this.#compareGroups(action.client);
      case 'configure':
        return await this.#operate(
          'admin.member.add',
          action,
          model.configure(action.on, action.entry),
        );
      case 'unconfigure':
        return await this.#operate(
          'admin.member.delete',
          action,
          model.unconfigure(action.on, action.entry),
        );
      case 'purge':
      case 'review':
      case 'activate':
        throw new TypeError(`${action.do} is done by a sweep`);
    }
  }

  async #register(client: ClientNumber, pair: Pair, takeover: boolean): Promise<void> {
    const reply = await this.ask('register', {
      protocolId: this.protocolOf(client),
      componentId: [...pair.name].reduce((sum, one) => sum + one.charCodeAt(0), 0),
      instance: `instance-number-${++this.#instances}`,
      ttlMs: TTL_MS,
      graceMs: GRACE_MS,
      takeover,
      alerts: this.model.client(client).alerts,
    });
    compare('register', [reply['status'], reply['resumed']], [0, takeover]);
    const number = Number(reply['session']);
    this.#sessions.set(client, { handle: String(reply['handle']), number, seq: 0 });
    this.#clients.set(number, client);
  }

  async #change(
    client: ClientNumber,
    operation: OperationName,
    fields: object,
    repeat: boolean,
    outcome: Outcome = { status: 0, changed: true },
  ): Promise<void> {
    const session = this.session(client);
    const seq = ++session.seq;
    const request = { handle: session.handle, seq, ack: seq, ...fields };
    const reply = await this.ask(operation, request);
    compare(`${operation} status`, reply['status'], outcome.status);
    this.isRefused = outcome.status !== 0;
    if (outcome.status !== 0) compare('reason', reply['reason'], outcome.reason);
    else if (operation.startsWith('member')) {
      compare('changed', [reply['changed'], reply['mrev']], [outcome.changed, this.model.mrev]);
    }
    if (repeat) compare('the repeat', await this.ask(operation, request), reply);
  }

  /** An operator changes a static membership. */
  async #operate(
    operation: OperationName,
    { on, entry }: { readonly on: InterfaceNumber; readonly entry: number },
    outcome: Outcome,
  ): Promise<void> {
    const fields = { ifIndex: on + 1, ...this.entryNamed(entry), actor: 'test', why: 'test' };
    const reply = await this.ask(operation, fields);
    compare(`${operation} status`, reply['status'], outcome.status);
    if (outcome.status !== 0) return compare('reason', reply['reason'], outcome.reason);
    compare('changed', [reply['changed'], reply['mrev']], [outcome.changed, this.model.mrev]);
  }

  async #setFilter({ client, on, filter }: SetFilter, repeat: boolean): Promise<void> {
    const expected = this.model.set(client, on, filter);
    const { group } = this.entryNamed(filter.group[0] ?? 0);
    const sources = filter.wanted.map((entry) => this.entryNamed(entry).source);
    const isAny = sources.includes('');
    const excluded = this.#sources(filter.group[0] ?? 0, filter.exclude ?? []);
    const mode = isAny ? 'exclude' : sources.length > 0 ? 'include' : 'none';
    const session = this.session(client);
    const seq = ++session.seq;
    const numbers = { handle: session.handle, seq, ack: seq };
    const fields = { ifIndex: on + 1, group, mode, sources: isAny ? excluded : sources };
    const reply = await this.ask('member.set', { ...numbers, ...fields });
    this.isRefused = expected.status !== 0;
    if (expected.status === 0) {
      const found = ['status', 'added', 'removed', 'updated', 'mrev'].map((name) => reply[name]);
      const { added, removed, updated } = expected;
      compare('member.set', found, [0, added, removed, updated, this.model.mrev]);
    } else compare('member.set', [reply['status'], reply['reason']], [1003, expected.reason]);
    const again = repeat && (await this.ask('member.set', { ...numbers, ...fields }));
    if (again) compare('the repeat', again, reply);
  }

  async #setAdvise(
    { client, on, advise }: Extract<Action, { readonly do: 'advise' }>,
    repeat: boolean,
  ): Promise<void> {
    const outcome = this.model.setAdvise(client, on, advise);
    const localMembers = advise ? 'advise' : 'forward';
    await this.#change(client, 'interface.set', { ifIndex: on + 1, localMembers }, repeat, outcome);
  }

  /** The reply has the settings as they were. */
  async #setLimits(on: InterfaceNumber, limits: Limits): Promise<void> {
    const { maxGroups, maxEntries, lite } = this.model.limitsOn(on);
    const changed = this.model.setLimits(on, limits);
    const fields = { ifIndex: on + 1, ...limits, actor: 'test', why: 'test' };
    const reply = await this.ask('admin.interface.set', fields);
    const found = ['status', 'changed', 'maxGroups', 'maxEntries', 'lite'].map(
      (name) => reply[name],
    );
    compare('admin.interface.set', found, [0, changed, maxGroups, maxEntries, lite]);
  }

  async #setRoute(to: InterfaceNumber | undefined, repeat: boolean): Promise<void> {
    const helper = await this.helper();
    const seq = ++helper.seq;
    const { handle } = helper;
    const operation = to === undefined ? 'rib.delete' : 'rib.set';
    const route = to === undefined ? [] : [to + 1, '', '', 1];
    const request = { handle, seq, ack: seq, routes: [['192.168.0.0', 16, ...route]] };
    const reply = await this.ask(operation, request);
    compare(operation, [reply['status'], reply['count']], [0, 1]);
    if (repeat) compare('the repeat', await this.ask(operation, request), reply);
  }

  /** The session of routes and flows. */
  async helper(): Promise<Session> {
    if (this.#helper) return this.#helper;
    const instance = 'session-of-the-routes';
    const fields = { protocolId: 999, componentId: 1, instance, ttlMs: TTL_MS };
    const reply = await this.ask('register', fields);
    this.#helper = { handle: String(reply['handle']), number: Number(reply['session']), seq: 0 };
    return this.#helper;
  }

  async #end(client: ClientNumber, cause: string): Promise<void> {
    const { handle, number, seq } = this.session(client);
    if (cause === 'release') {
      await this.ask('deregister', { handle, seq: seq + 1, ack: seq + 1, force: true });
    } else {
      const reply = await this.ask('admin.evict', { session: number, actor: 'test', why: 'test' });
      compare('evicted', reply['status'], 0);
    }
  }

  /** Lets the lease of one client run out; the others renew theirs. */
  async #lapse(client: ClientNumber): Promise<void> {
    await this.#moveClock((TTL_MS * 2) / 3);
    await this.#renewAllBut(client);
    await this.#moveClock(TTL_MS / 2);
    await this.#renewAllBut(client);
    // A listing of the sessions notices the end of the lease.
    await this.ask('sessions', {});
  }

  /** Moves the service clock while all live sessions keep their leases. */
  async passTime(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= TTL_MS / 2) {
      await this.#moveClock(Math.min(left, TTL_MS / 2));
      await this.#renewAllBut();
    }
  }

  async #renewAllBut(client?: ClientNumber): Promise<void> {
    const live = this.model.clients.filter(
      ({ number, state }) => number !== client && state === 'live',
    );
    const sessions = live.map(({ number }) => this.session(number));
    if (this.#helper) sessions.push(this.#helper);
    const renewals = sessions.map(({ handle }) => this.ask('keepalive', { handle }));
    for (const { status } of await Promise.all(renewals)) compare('keepalive', status, 0);
  }

  async #moveClock(ms: number): Promise<void> {
    const key = `mgm:{${this.#router}}:meta`;
    await this.#managers.redis.call(...storedNumber(key, 'meta.serviceMs', 'add', ms));
  }

  async #acknowledge(client: ClientNumber, isBeforeResync = false): Promise<void> {
    const { handle } = this.session(client);
    const { mailbox } = await this.ask('keepalive', { handle });
    const mailboxAck = isBeforeResync ? (this.#resyncs.get(client) ?? 0) - 1 : mailbox;
    await this.ask('keepalive', { handle, mailboxAck });
  }

  /**
   * Fills the mailbox of a client that has an unread alert item: raises the stored number of items, so that only `room` more
   * fit.
   */
  async #fill(client: ClientNumber, room: number): Promise<void> {
    const { queued, number } = this.model.client(client);
    this.model.fill(client, room);
    const records = await this.#managers.redis.keys(`mgm:{${this.#router}}:client:*`);
    const { number: session } = this.session(number);
    const change = MAILBOX_MAX - room - queued;
    for (const key of records) {
      const of = await this.#managers.redis.call(...storedNumber(key, 'client.alertSession'));
      if (Number(of) !== session) continue;
      await this.#managers.redis.call(...storedNumber(key, 'client.alertItems', 'add', change));
    }
  }

  async #compareGroups(client: ClientNumber): Promise<void> {
    const { handle } = this.session(client);
    const listed = await this.#listAll('groups', { handle });
    const expected = this.model.members.flatMap((all, entry) => {
      if (all.length === 0) return [];
      const clients = new Set(all.map(({ countsFor }) => countsFor));
      clients.delete(NOBODY);
      const own = all.some(({ holder }) => holder === client);
      const local = all.some(
        ({ holder, on }) =>
          ![client, NOBODY].includes(holder) && this.#isBesideOwner(holder, on, client),
      );
      const wants = this.model.wants(client, entry);
      const notified = this.model.notified[entry] === client;
      return [[...this.#wireEntry(entry), clients.size, wants, own, local, notified]];
    });
    compare(`groups of client ${client}`, listed, expected);
    const any = await this.#listAll('groups', { type: 'any' });
    const names = new Set(expected.map(([group]) => String(group)));
    names.delete('');
    names.delete('::');
    compare('groups of any source', any.map((item) => String(item)).sort(), [...names].sort());
  }

  /** Whether IGMP has this interface beside that owner. */
  #isBesideOwner(igmp: ClientNumber, on: InterfaceNumber, owner: ClientNumber): boolean {
    const { owners, igmps } = this.model;
    return igmps[on]?.client === igmp && owners[on]?.client === owner;
  }

  /** All pages of a listing, each from another manager. */
  async #listAll(operation: 'groups' | 'members', fields: object): Promise<unknown[]> {
    const items: unknown[] = [];
    for (let cursor: unknown; ;) {
      const reply = await this.ask(operation, { ...fields, limit: 2, cursor });
      compare(`${operation} status`, [reply['status'], reply['mrev']], [0, this.model.mrev]);
      if (Array.isArray(reply['items'])) items.push(...reply['items']);
      cursor = reply['cursor'];
      if (cursor === undefined) return items;
    }
  }

  /** The group and source of an entry. */
  entryNamed(entry: number): { readonly group: string; readonly source: string } {
    const [group, source] = this.#wireEntry(entry);
    return { group, source };
  }

  /** The addresses of an exclude list of an entry. */
  #sources(entry: number, exclude: readonly string[]): string[] {
    const { stored = '' } = this.#entries[entry] ?? {};
    return exclude.map((source) => entryNamed(`${stored}${source}`).source);
  }

  #wireEntry(entry: number): readonly [string, string] {
    const { group, source } = entryNamed(this.#entries[entry]?.stored ?? '');
    return [group, source];
  }

  /** The present session of a client. */
  session(client: ClientNumber): Session {
    const session = this.#sessions.get(client);
    if (!session) throw new Error(`client ${client} has no session`);
    return session;
  }

  /** Sends a request to one of the managers in turn. */
  async ask(operation: OperationName, fields: object): Promise<Raw> {
    const parsed = parseRequest(operation, { ...fields });
    if (parsed.kind !== 'request') throw new Error(`${operation}: ${parsed.message}`);
    return { ...(await this.#store().execute(this.#router, operation, parsed.request)) };
  }

  #store(): Store {
    const { stores } = this.#managers;
    const store = stores[this.#turn++ % stores.length];
    if (!store) throw new RangeError('no store is open');
    return store;
  }

  // Events and alerts.

  #compareNews({ facts, replaced, events }: News): readonly Publication[] {
    const published = this.#managers.published.splice(0);
    this.#compareEvents(published, events);
    for (const { number } of this.model.clients) {
      const alerts = this.#alertsOf(number, published);
      const toldTo = (all: readonly Fact[]): Expected[] =>
        all.filter(({ to }) => to === number).map((fact) => this.#tell(fact));
      const what = `alerts of client ${number}`;
      const expected = toldTo(facts);
      if (expected.at(-1)?.type === 'RESYNC') {
        compareOverflow(what, alerts, expected, toldTo(replaced));
      } else compareAlerts(what, alerts, expected);
    }
    return published;
  }

  #compareEvents(published: readonly Publication[], expected: readonly MembershipEvent[]): void {
    const found = published.flatMap(({ memberRuns, ts }) =>
      memberRuns.map((run) => membershipEventOf(run, ts)),
    );
    let next = (expected[0]?.mrev ?? 0) - 0;
    for (const { first, mrev } of found) {
      compare('first', first, next);
      next = mrev + 1;
    }
    const items = found.flatMap(({ type, session, countsFor, cause, items: all }) =>
      all.map((item) =>
        [type, this.#clients.get(session), this.#clients.get(countsFor), cause, ...item].join(),
      ),
    );
    const told = expected.map(({ type, entry, membership, cause }) =>
      [
        type,
        membership.holder,
        membership.countsFor,
        cause,
        ...this.#wireEntry(entry),
        membership.on + 1,
        '',
        ...(type === 'updated' ? [this.#sources(entry, membership.exclude)] : []),
      ].join(),
    );
    compare('events', items.toSorted(), told.toSorted());
  }

  /** The alert items that were published to a client, in the order of their numbers. */
  #alertsOf(client: ClientNumber, published: readonly Publication[]): Told[] {
    return published.flatMap(({ alerts, ts }) =>
      alerts.filter(isAboutMembers).flatMap((run) =>
        run.recipients
          .filter(({ session }) => this.#clients.get(session) === client)
          .flatMap(({ seq }) => {
            if (run.type === 'RESYNC') this.#resyncs.set(client, seq);
            return itemsOf(alertMessage(run, seq, ts));
          }),
      ),
    );
  }

  #tell(fact: Fact): Expected {
    if (fact.type === 'RESYNC') return { type: fact.type, entry: '', on: [], rest: '' };
    const entry = this.#wireEntry(fact.entry).join();
    switch (fact.type) {
      case 'JOIN_ALERT':
        return { type: fact.type, entry, on: [], rest: '' };
      case 'PRUNE_ALERT':
        return {
          type: fact.type,
          entry,
          on: fact.cause === 'iif-moved' ? [0] : fact.from.map((on) => on + 1),
          covered: this.#coverDue.has(fact.entry) ? undefined : fact.covered,
          rest: `${fact.window}`,
        };
      default:
        return {
          ...{ type: fact.type, entry, on: [fact.on + 1] },
          rest: listText(fact.cause, fact.exclude && this.#sources(fact.entry, fact.exclude)),
        };
    }
  }
}

/** Mailboxes with unread alerts fill up, so that few more make a RESYNC of them. */
export function fills({ model }: SideBySide, choice: number): Action[] {
  return model.clients
    .filter(({ queued, state, isMuted }) => queued > 0 && state === 'live' && !isMuted)
    .map(({ number }) => ({ do: 'fill', client: number, room: choice % 3 }));
}

/** An alert item that was sent. */
interface Told {
  readonly type: string;
  readonly entry: string;
  readonly on: number | undefined;
  /** Of a PRUNE. */
  readonly covered?: boolean;
  readonly rest: string;
}

/** An alert item of the model: it names one of the interfaces `on`; where `covered` is undefined it may be either. */
interface Expected extends Omit<Told, 'on' | 'covered'> {
  readonly covered?: boolean | undefined;
  readonly on: readonly number[];
}

/** FALSE alerts are about forwarding entries. */
function isAboutMembers({ type }: { readonly type: string }): boolean {
  return !type.endsWith('_FALSE');
}

function itemsOf(message: ReturnType<typeof alertMessage>): Told[] {
  const { type } = message;
  switch (message.type) {
    case 'JOIN_ALERT':
      return message.items.map((item) => ({ type, entry: item.join(), on: undefined, rest: '' }));
    case 'PRUNE_ALERT':
      return message.items.map(([group, source, on, , covered]) => ({
        ...{ type, entry: [group, source].join(), on, covered: covered === true },
        rest: `${message.memberDelete && (message.window ?? false)}`,
      }));
    case 'RESYNC':
      return [{ type, entry: '', on: undefined, rest: '' }];
    default:
      return message.items.map(([group, source, on]) => ({
        ...{ type, entry: [group, source].join(), on },
        rest: listText(message.cause, 'exclude' in message ? message.exclude : undefined),
      }));
  }
}

/** The cause of a LOCAL alert, with the changed exclude list. */
function listText(cause: string, exclude: readonly string[] | undefined): string {
  return exclude ? `${cause} without ${exclude.join()}` : cause;
}

/**
 * JOIN and PRUNE of one entry are in order; a sweep purges entries in an order of its own, and a purge the memberships of an
 * entry.
 */
function compareAlerts(what: string, found: readonly Told[], expected: readonly Expected[]): void {
  const foundLocal = found.filter(isLocal).map(localText).toSorted();
  compare(`${what}, LOCAL`, foundLocal, expected.filter(isLocal).map(localText).toSorted());
  for (const entry of new Set([...found, ...expected].map((one) => one.entry))) {
    const mine = found.filter((one) => one.entry === entry && !isLocal(one));
    const wanted = expected.filter((one) => one.entry === entry && !isLocal(one));
    compareInOrder(`${what}, entry ${entry}`, mine, wanted);
  }
}

/**
 * A step filled the mailbox. How many alert items are before the RESYNC is certain. Which of them, the order of the purges
 * decides: of the JOIN and PRUNE of one entry the first ones, of LOCAL alerts any.
 */
function compareOverflow(
  what: string,
  found: readonly Told[],
  expected: readonly Expected[],
  replaced: readonly Expected[],
): void {
  const ofResync = found.map(({ type }) => type === 'RESYNC');
  compare(
    `RESYNC among ${what}`,
    ofResync,
    expected.map(({ type }) => type === 'RESYNC'),
  );
  const possible = [...expected.slice(0, -1), ...replaced];
  const locals = possible.filter(isLocal).map(localText);
  for (const text of found.filter(isLocal).map(localText)) {
    const at = locals.indexOf(text);
    if (at === -1) throw new Error(`${what}: ${text}, the model says ${JSON.stringify(locals)}`);
    locals.splice(at, 1);
  }
  const others = found.slice(0, -1).filter((one) => !isLocal(one));
  for (const [entry, mine] of Map.groupBy(others, (one) => one.entry)) {
    const wanted = possible.filter((one) => one.entry === entry && !isLocal(one));
    compareInOrder(`${what}, entry ${entry}`, mine, wanted.slice(0, mine.length));
  }
}

function isLocal({ type }: { readonly type: string }): boolean {
  return type.startsWith('LOCAL');
}

function localText({ type, entry, on, rest }: Told | Expected): string {
  return [type, entry, on, rest].join();
}

/** JOIN and PRUNE of one entry. */
function compareInOrder(what: string, found: readonly Told[], expected: readonly Expected[]): void {
  const order = ({ type, rest }: Told | Expected): string => `${type} ${rest}`;
  compare(what, found.map(order), expected.map(order));
  for (const [at, { on, covered }] of found.entries()) {
    const wanted = expected[at];
    if (on !== undefined && !wanted?.on.includes(on)) {
      throw new Error(`${what}: on ${on}, the model says ${wanted?.on.join()}`);
    }
    if (wanted?.covered !== undefined) compare(`${what}: covered`, covered, wanted.covered);
  }
}

function sorted(items: readonly unknown[]): string[] {
  return items.map((item) => JSON.stringify(item)).sort();
}

export function compare(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(found)}, the model says ${JSON.stringify(expected)}`);
}
