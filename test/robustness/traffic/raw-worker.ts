import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection, type Subscription } from '@mgm/nats';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Chance } from '../../support/chance.ts';
import type { Callback, Op } from '../../support/raw-operations.ts';
import { type Accepted, type Reply, readReply } from '../../support/raw-replies.ts';
import { newInstance } from '../../support/raw-client.ts';
import { type Fields, pack, unpack } from '../../support/raw-codec.ts';
import { chooseChange, entryText } from './entries.ts';
import { chooseRoute } from './flows.ts';
import { holdOf, refusalOf } from './outcomes.ts';
import type { Call, Recorder, Told } from './history.ts';
import type { Worker, WorkerSetup } from './worker-setup.ts';

/** Short, since the request may have gone to a manager that hangs: see wire protocol, section 7. */
const REPLY_WITHIN_MS = 200;
/** The number of times that the same bytes are sent. */
const ATTEMPTS = 9;
/** The share of calls that change memberships. */
const MEMBERSHIP_SHARE = 0.4;
/** The share of calls that change routes. */
const ROUTE_SHARE = 0.1;
/** All types: it believes what its listing and its alerts say. */
const ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN', 'LOCAL_LEAVE'];
/** The time by which its lease ends earlier than in the store. */
const MARGIN_MS = 100;

type Asked = Omit<Call, 'id' | 'session'>;
type Changing =
  'take' | 'release' | 'deregister' | 'member.add' | 'member.delete' | 'rib.set' | 'rib.delete';

/**
 * A routing protocol on the wire contract alone, without the client library: one request at a time, each repeated byte for byte
 * until it is answered or abandoned, and a deadline of its own.
 */
export class RawWorker implements Worker {
  readonly #nats: NatsConnection;
  readonly #setup: WorkerSetup;
  readonly #recorder: Recorder;
  readonly #chance: Chance;
  readonly #held = new Map<number, string>();
  #session: Accepted<'register'> | undefined;
  #instance = newInstance();
  #deadlineMono = 0;
  #seq = 0;
  #handled = 0;
  /** Whether it listed `groups` since it registered, or since a RESYNC. */
  #isListed = false;
  #isDeaf = false;
  /** Whether it was deaf and has not read its mailbox since. */
  #isBehind = false;
  /** The highest number that it has acknowledged. */
  #acknowledged = 0;
  #callbacks: Subscription | undefined;

  private constructor(
    nats: NatsConnection,
    setup: WorkerSetup,
    recorder: Recorder,
    chance: Chance,
  ) {
    this.#nats = nats;
    this.#setup = setup;
    this.#recorder = recorder;
    this.#chance = chance;
    setInterval(() => void this.#keep(), setup.ttlMs / 4).unref();
  }

  static async start(setup: WorkerSetup, recorder: Recorder, chance: Chance): Promise<RawWorker> {
    const nats = await connect({
      servers: setup.servers,
      name: setup.name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 2_000,
      maxPingOut: 2,
      waitOnFirstConnect: true,
    });
    return new RawWorker(nats, setup, recorder, chance);
  }

  get isRegistered(): boolean {
    if (this.#session && machineMonoMs() >= this.#deadlineMono) this.#lose('deadline');
    return this.#session !== undefined;
  }

  async register(takeover: boolean): Promise<void> {
    const { protocolId, componentId, name, ttlMs, graceMs, memberships } = this.#setup;
    const alerts = memberships ? { alerts: ALERTS } : {};
    const instance = this.#instance;
    await this.#call({ op: 'register' }, async () => {
      const sentMono = machineMonoMs();
      const lease = { ttlMs, graceMs, takeover, ...alerts };
      const fields = { protocolId, componentId, instance, name, ...lease };
      const reply = await this.#ask('register', fields);
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status !== 0) return refusalOf('register', reply);
      this.#instance = newInstance();
      const { session, resumed } = reply;
      this.#begin(reply);
      this.#extend(sentMono);
      return { told: 'registered', session, resumed };
    });
    if (this.#session?.resumed) await this.#adopt(this.#session.session);
  }

  async act(): Promise<void> {
    if (this.#isDeaf) return;
    if (this.#isBehind && this.#session) await this.#readMailbox(this.#session);
    this.#isBehind = false;
    if (this.#setup.memberships) {
      if (!this.#isListed) await this.#listGroups();
      if (this.#chance.next() < MEMBERSHIP_SHARE) return await this.#changeMemberships();
    }
    if (this.#setup.routes && this.#chance.next() < ROUTE_SHARE) return await this.#changeRoutes();
    const ifIndex = this.#chance.one(this.#setup.interfaces);
    const [held] = [...this.#held].filter(() => this.#chance.next() < 0.5);
    const roll = this.#chance.next() * 100;
    if (roll < 42) return await this.#take(ifIndex);
    if (roll < 66 && held) return await this.#release(...held);
    if (roll < 70) return await this.#release(ifIndex);
    if (roll < 85) return await this.#owner(ifIndex);
    if (roll < 98 && held) return await this.#validate(...held);
    if (roll < 99) return await this.#deregister();
    if (roll < 99.5) this.#lose('orphaned');
  }

  /** Without a listing since it registered, or since a RESYNC, it does not know what others want. */
  async settle(): Promise<void> {
    if (this.#setup.memberships && this.isRegistered && !this.#isListed) await this.#listGroups();
  }

  deafen(isDeaf: boolean): void {
    this.#isDeaf = isDeaf;
    this.#isBehind = true;
  }

  async leave(): Promise<void> {
    if (this.isRegistered) await this.#deregister();
    await this.#nats.close();
  }

  #begin(session: Accepted<'register'>): void {
    this.#session = session;
    this.#seq = 0;
    // A repeated register gets the reply of the first, and has handled none of the callbacks since then.
    this.#handled = 0;
    this.#acknowledged = 0;
    this.#isListed = false;
    const subject = `mgm.v1.${this.#setup.router}.callback.${session.session}`;
    this.#callbacks = this.#nats.subscribe(subject, {
      callback: (error, { data }) => {
        if (!error && this.#session === session) this.#called(unpack(data) as Callback);
      },
    });
  }

  /** Handles the next callback. One that arrives early is read from the mailbox after a keepalive announces it. */
  #called(callback: Callback): void {
    const { seq, type, ifIndex, epoch } = callback;
    const session = this.#session?.session;
    // Not kept in the mailbox, so it may follow callbacks that NATS dropped.
    if (type === 'SESSION_LOST') return this.#lose('takeover');
    if (this.#isDeaf || session === undefined || seq !== this.#handled + 1) return;
    this.#handled = seq;
    if (type === 'RESYNC' || ALERTS.includes(type)) return this.#alerted(session, callback);
    this.#recorder.write({
      kind: 'callback',
      session,
      seq,
      type,
      ifIndex,
      ...(epoch !== undefined && { epoch }),
    });
    if (this.#held.get(ifIndex) === epoch) this.#letGo(ifIndex);
  }

  #alerted(session: number, { items = [], ...callback }: Callback): void {
    const { seq, memberUpdate, memberDelete } = callback;
    // Alerts about one forwarding entry do not alternate with those about what others want.
    const isFalse = memberUpdate === false || memberDelete === false;
    const isOfMembers = !/^(JOIN|PRUNE)_ALERT$/.test(callback.type) || !isFalse;
    const type = isOfMembers ? callback.type : `${callback.type} FALSE`;
    const on = type.startsWith('LOCAL_') && { on: items.map((item) => Number(item[2])) };
    const entries = items.map(entryText);
    // `[group, source, incarnation]` or `[group, source, ifIndex, nextHop, incarnation]`.
    const of = !isOfMembers && { incarnations: items.map((item) => Number(item.at(-1))) };
    this.#recorder.write({ kind: 'alert', session, seq, type, entries, ...on, ...of });
    if (type === 'RESYNC') this.#isListed = false;
  }

  /** Lists what others want. After a RESYNC its number has to be acknowledged first. */
  async #listGroups(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const { handle } = session;
    const kept = await this.#ask('keepalive', { handle, mailboxAck: this.#acknowledge(session) });
    const page =
      kept?.status === 0 ? await this.#ask('groups', { handle, limit: 1000 }) : undefined;
    if (page?.status !== 0 || this.#session !== session) return;
    const { mailbox = 0, items } = page;
    const wanted = items.filter(([, , , others]) => others === true).map(entryText);
    const notified = items.filter((item) => item[6] === true).map(entryText);
    this.#recorder.write({ kind: 'groups', session: session.session, mailbox, wanted, notified });
    this.#isListed = true;
  }

  /** Changes memberships on interfaces that it holds, and from time to time on others. */
  async #changeMemberships(): Promise<void> {
    const held = [...this.#held.keys()];
    const isOwn = held.length > 0 && this.#chance.next() < 0.9;
    const plan = chooseChange(this.#chance, isOwn ? held : this.#setup.interfaces);
    const entries = plan.elements.map(({ ifIndex, entry }) => [ifIndex, '', ...entry]);
    await this.#change({ op: plan.operation }, plan.operation, { entries }, ({ count }) => ({
      told: 'changed',
      count,
    }));
  }

  async #changeRoutes(): Promise<void> {
    const { operation, network, length, ifIndex } = chooseRoute(
      this.#chance,
      this.#setup.interfaces,
    );
    const route = [network, length, ifIndex, '', '', this.#setup.protocolId];
    const routes = [operation === 'rib.set' ? route : [network, length]];
    await this.#change({ op: operation }, operation, { routes }, ({ count }) => ({
      told: 'changed',
      count,
    }));
  }

  /** Reads the mailbox page by page, and handles its messages. */
  async #readMailbox(session: Accepted<'register'>): Promise<void> {
    for (let from = -1; this.#handled > from;) {
      from = this.#handled;
      const reply = await this.#ask('mailbox', { handle: session.handle, from, limit: 100 });
      if (reply?.status !== 0 || this.#session !== session) return;
      for (const callback of reply.messages) this.#called(callback);
    }
  }

  /** Reads the inherited interfaces from `interfaces`. */
  async #adopt(session: number): Promise<void> {
    const reply = await this.#ask('interfaces', { session, limit: 1000 });
    if (!this.isRegistered || this.#session?.session !== session) return;
    if (reply?.status !== 0) return this.#lose('orphaned');
    for (const { ifIndex, epoch, session: owner } of reply.items) {
      if (owner === session) this.#hold(ifIndex, epoch);
    }
  }

  async #take(ifIndex: number): Promise<void> {
    await this.#change({ op: 'take', ifIndex, igmp: false }, 'take', { ifIndex }, ({ epoch }) => {
      if (this.isRegistered) this.#hold(ifIndex, epoch);
      return { told: 'taken', epoch };
    });
  }

  async #release(ifIndex: number, epoch?: string): Promise<void> {
    this.#letGo(ifIndex);
    const asked = { op: 'release', ifIndex, ...(epoch !== undefined && { epoch }) } as const;
    await this.#change(asked, 'release', { ifIndex, epoch }, () => ({ told: 'released' }));
  }

  async #deregister(): Promise<void> {
    for (const ifIndex of [...this.#held.keys()]) this.#letGo(ifIndex);
    await this.#change({ op: 'deregister' }, 'deregister', { force: true }, () => ({
      told: 'deregistered',
    }));
    this.#lose('deregistered');
  }

  async #owner(ifIndex: number): Promise<void> {
    await this.#call({ op: 'owner', ifIndex }, async () => {
      const reply = await this.#ask('owner', { ifIndex });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status !== 0) return refusalOf('owner', reply);
      const { igmp } = reply;
      return { told: 'held', ...holdOf(reply), ...(igmp && { igmp: holdOf(igmp) }) };
    });
  }

  async #validate(ifIndex: number, epoch: string): Promise<void> {
    await this.#call({ op: 'validate', ifIndex, epoch }, async () => {
      const reply = await this.#ask('validate', { ifIndex, epoch });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      return reply.status === 0 ? { told: 'current' } : refusalOf('validate', reply);
    });
  }

  /** Sends one sequenced request; everything before it is finished or abandoned. */
  async #change<Name extends Changing>(
    asked: Asked,
    op: Name,
    fields: Fields,
    done: (reply: Accepted<Name>) => Told,
  ): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const seq = ++this.#seq;
    await this.#call({ ...asked, session: session.session }, async () => {
      const reply = await this.#ask(op, { handle: session.handle, seq, ack: seq, ...fields });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status === 0) return done(reply);
      this.#heed(reply.reason);
      return refusalOf(asked.op, reply);
    });
  }

  /** The reply, or `undefined` without one. */
  async #ask<Name extends Op>(op: Name, fields: Fields): Promise<Reply<Name> | undefined> {
    const payload = pack(fields);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const subject = `mgm.v1.${this.#setup.router}.${op}`;
        const { data } = await this.#nats.request(subject, payload, { timeout: REPLY_WITHIN_MS });
        const reply = readReply<Name>(data);
        const again =
          reply.status !== 0 && /^(unavailable|overloaded|indeterminate)$/.test(reply.reason);
        if (!again || attempt === ATTEMPTS) return again ? undefined : reply;
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error)) throw error;
      }
      await delay(100);
    }
    return undefined;
  }

  async #keep(): Promise<void> {
    const session = this.#session;
    if (!session || !this.isRegistered) return;
    const sentMono = machineMonoMs();
    const fields = { handle: session.handle, mailboxAck: this.#acknowledge(session) };
    const reply = await this.#ask('keepalive', fields);
    if (this.#session !== session || reply === undefined) return;
    if (reply.status !== 0) return this.#heed(reply.reason);
    if (!this.isRegistered) return;
    this.#extend(sentMono);
    if (reply.mailbox > this.#handled && !this.#isDeaf) await this.#readMailbox(session);
  }

  /** The number of the last handled callback, on record before managers can know it. */
  #acknowledge({ session }: Accepted<'register'>): number {
    const seq = this.#handled;
    if (seq > this.#acknowledged) this.#recorder.write({ kind: 'acknowledges', session, seq });
    this.#acknowledged = Math.max(this.#acknowledged, seq);
    return seq;
  }

  #heed(reason: string): void {
    if (reason === 'session-expired' || reason === 'bad-handle') this.#lose(reason);
  }

  #extend(sentMono: number): void {
    if (!this.#session) return;
    const { session, ttlMs } = this.#session;
    this.#deadlineMono = Math.max(this.#deadlineMono, sentMono + ttlMs - MARGIN_MS);
    this.#recorder.write({ kind: 'deadline', session, deadlineMono: this.#deadlineMono });
  }

  #hold(ifIndex: number, epoch: string): void {
    const session = this.#session?.session ?? 0;
    this.#held.set(ifIndex, epoch);
    this.#recorder.write({ kind: 'holds', session, ifIndex, epoch });
  }

  #letGo(ifIndex: number): void {
    const session = this.#session?.session ?? 0;
    const epoch = this.#held.get(ifIndex);
    if (epoch === undefined) return;
    this.#held.delete(ifIndex);
    this.#recorder.write({ kind: 'lets-go', session, ifIndex, epoch });
  }

  #lose(why: string): void {
    for (const ifIndex of [...this.#held.keys()]) this.#letGo(ifIndex);
    const session = this.#session?.session;
    this.#callbacks?.unsubscribe();
    this.#session = undefined;
    this.#deadlineMono = 0;
    if (session !== undefined) this.#recorder.write({ kind: 'over', session, why });
  }

  async #call(asked: Omit<Call, 'id'>, does: () => Promise<Told>): Promise<void> {
    const id = this.#recorder.nextId();
    this.#recorder.write({ kind: 'invoked', id, ...asked });
    const told = await does();
    this.#recorder.write({ kind: 'returned', id, ...told });
    if (told.told === 'refused') await delay(50);
  }
}
