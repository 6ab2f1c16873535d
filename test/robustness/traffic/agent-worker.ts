import { connect, type NatsConnection } from '@mgm/nats';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Chance } from '../../support/chance.ts';
import { RawAgent } from '../../support/raw-agent.ts';
import { newInstance, RawRouter } from '../../support/raw-client.ts';
import type { Fields } from '../../support/raw-codec.ts';
import type { MfeMessage, Op } from '../../support/raw-operations.ts';
import type { Accepted, Reply } from '../../support/raw-replies.ts';
import { chooseFlows } from './flows.ts';
import { type Call, forwardingOf, loggedOf, type Recorder, type Told } from './history.ts';
import { refusalOf } from './outcomes.ts';
import type { Worker, WorkerSetup } from './worker-setup.ts';

/** Short, since the request may have gone to a manager that hangs. */
const REPLY_WITHIN_MS = 400;
/** How often a resting agent looks whether its table changed. */
const LOOK_EVERY_MS = 50;
const PAGE = 1_000;
/** Changes before its own `frev` that a read of the log may begin with. */
const CHANGES_READ = 10;
/** The time by which its lease ends earlier than in the store. */
const MARGIN_MS = 100;

/** Requests are given up soon: the agent repeats them itself. */
class HastyRouter extends RawRouter {
  /** When the latest request that was answered with status 0 was sent. */
  contactMono = machineMonoMs();

  override async send(op: Op, payload: Uint8Array): Promise<Uint8Array> {
    const subject = `${this.prefix}.${this.name}.${op}`;
    return (await this.nats.request(subject, payload, { timeout: REPLY_WITHIN_MS })).data;
  }

  override async request<Name extends Op>(op: Name, fields: Fields): Promise<Reply<Name>> {
    const sentMono = machineMonoMs();
    const reply = await super.request(op, fields);
    if (reply.status === 0) this.contactMono = Math.max(this.contactMono, sentMono);
    return reply;
  }
}

/**
 * A forwarder agent on the wire contract alone: a session that reports new flows, a table that follows section 8.2 of the
 * forwarding contract, and a record of every push. It flushes its table when the last contact is longer ago than its lease.
 */
export class AgentWorker implements Worker {
  readonly #router: HastyRouter;
  readonly #agent: RawAgent;
  readonly #setup: WorkerSetup;
  readonly #recorder: Recorder;
  readonly #chance: Chance;
  #session: Accepted<'register'> | undefined;
  #instance = newInstance();
  #deadlineMono = 0;
  #isResting = false;
  /** The log and `frev` of the table that was recorded last. */
  #recorded = '';

  private constructor(
    nats: NatsConnection,
    setup: WorkerSetup,
    recorder: Recorder,
    chance: Chance,
  ) {
    this.#router = new HastyRouter(nats, setup.router);
    this.#agent = new RawAgent(this.#router, {
      deliver: (push) => {
        this.#received(push);
        return [push];
      },
    });
    this.#setup = setup;
    this.#recorder = recorder;
    this.#chance = chance;
    setInterval(() => void this.#keep(), setup.ttlMs / 4).unref();
    setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  static async start(setup: WorkerSetup, recorder: Recorder, chance: Chance): Promise<AgentWorker> {
    const nats = await connect({
      servers: setup.servers,
      name: setup.name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 2_000,
      maxPingOut: 2,
      waitOnFirstConnect: true,
    });
    const worker = new AgentWorker(nats, setup, recorder, chance);
    await worker.#agent.attach();
    return worker;
  }

  get isRegistered(): boolean {
    if (this.#session && machineMonoMs() >= this.#deadlineMono) this.#lose('deadline');
    return this.#session !== undefined;
  }

  async register(takeover: boolean): Promise<void> {
    const { protocolId, componentId, name, ttlMs, graceMs } = this.#setup;
    const instance = this.#instance;
    await this.#call({ op: 'register' }, async () => {
      const sentMono = machineMonoMs();
      const fields = { protocolId, componentId, instance, name, ttlMs, graceMs, takeover };
      const reply = await this.#ask('register', fields);
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status !== 0) return refusalOf('register', reply);
      this.#instance = newInstance();
      this.#session = reply;
      this.#deadlineMono = 0;
      this.#extend(sentMono);
      return { told: 'registered', session: reply.session, resumed: reply.resumed };
    });
  }

  async act(): Promise<void> {
    this.#isResting = false;
    const roll = this.#chance.next() * 100;
    if (roll < 65) await this.#reportFlows();
    else if (roll < 85) await this.#list();
    else if (roll < 95) await this.#get();
    else await this.#readLog();
  }

  /** From here on it records its table whenever it changes. */
  settle(): Promise<void> {
    this.#isResting = true;
    this.#recorded = '';
    return Promise.resolve();
  }

  async leave(): Promise<void> {
    const session = this.#session;
    if (session) {
      const fields = { handle: session.handle, seq: 1, ack: 1, force: true };
      await this.#call({ op: 'deregister', session: session.session }, async () => {
        const reply = await this.#ask('deregister', fields);
        if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
        return reply.status === 0 ? { told: 'deregistered' } : refusalOf('deregister', reply);
      });
    }
    await this.#router.nats.close();
  }

  async #reportFlows(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const flows = chooseFlows(this.#chance, this.#setup.interfaces);
    await this.#call({ op: 'flow.new', session: session.session }, async () => {
      const reply = await this.#ask('flow.new', { handle: session.handle, flows });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status === 0) {
        return { told: 'flows', states: reply.results.map(({ state }) => state) };
      }
      this.#heed(reply.reason);
      return refusalOf('flow.new', reply);
    });
  }

  async #list(): Promise<void> {
    await this.#call({ op: 'mfe.list' }, async () => {
      const reply = await this.#ask('mfe.list', { limit: PAGE });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status !== 0) return refusalOf('mfe.list', reply);
      const { items, frev, log } = reply;
      return { told: 'listed', entries: items.map(forwardingOf), frev, log };
    });
  }

  async #get(): Promise<void> {
    const [[group, source]] = chooseFlows(this.#chance, this.#setup.interfaces);
    await this.#call({ op: 'mfe.get' }, async () => {
      const reply = await this.#ask('mfe.get', { group, source });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status !== 0) return refusalOf('mfe.get', reply);
      return { told: 'listed', entries: [forwardingOf(reply.mfe)], frev: reply.frev };
    });
  }

  /** The last changes. */
  async #readLog(): Promise<void> {
    const from = Math.max(0, this.#agent.frev - this.#chance.between(0, CHANGES_READ));
    await this.#call({ op: 'fib' }, async () => {
      const reply = await this.#ask('fib', { from });
      if (reply === undefined) return { told: 'unknown', reason: 'timeout' };
      if (reply.status !== 0) return refusalOf('fib', reply);
      const { changes, head, log } = reply;
      return { told: 'changes', messages: changes.map(loggedOf), frev: head, log };
    });
  }

  #received(push: MfeMessage): void {
    const { first, items } = loggedOf(push);
    this.#recorder.write({ kind: 'push', first, items });
  }

  /** Flushes a table that is too old. A resting agent records a table that changed. */
  #look(): void {
    const { ttlMs } = this.#setup;
    const { log, frev, table } = this.#agent;
    if (log === undefined) return;
    if (machineMonoMs() - this.#router.contactMono > ttlMs) return this.#agent.flush();
    const present = `${log} ${frev}`;
    if (!this.#isResting || present === this.#recorded) return;
    this.#recorded = present;
    const entries = [...table.values()].map(forwardingOf);
    this.#recorder.write({ kind: 'table', log, frev, entries });
  }

  async #keep(): Promise<void> {
    const session = this.#session;
    if (!session || !this.isRegistered) return;
    const sentMono = machineMonoMs();
    const { handle } = session;
    const reply = await this.#ask('keepalive', { handle, frev: this.#agent.frev });
    if (this.#session !== session || reply === undefined) return;
    if (reply.status !== 0) return this.#heed(reply.reason);
    if (this.isRegistered) this.#extend(sentMono);
  }

  /** The reply to one request, or `undefined` without one. */
  async #ask<Name extends Op>(op: Name, fields: Fields): Promise<Reply<Name> | undefined> {
    try {
      const reply = await this.#router.request(op, fields);
      const isOpen = reply.status !== 0 && /^(unavailable|overloaded)$/.test(reply.reason);
      return isOpen ? undefined : reply;
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error;
      return undefined;
    }
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

  #lose(why: string): void {
    const session = this.#session?.session;
    this.#session = undefined;
    if (session !== undefined) this.#recorder.write({ kind: 'over', session, why });
  }

  async #call(asked: Omit<Call, 'id'>, does: () => Promise<Told>): Promise<void> {
    const id = this.#recorder.nextId();
    this.#recorder.write({ kind: 'invoked', id, ...asked });
    this.#recorder.write({ kind: 'returned', id, ...(await does()) });
  }
}
