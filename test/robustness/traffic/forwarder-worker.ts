import { setTimeout as delay } from 'node:timers/promises';
import { isMgmError, type Mfe, type MfeCounters, type Mgm, type Renewal } from '@mgm/client';
import { ForwarderAgent, type ForwardingPlane } from '@mgm/client/forwarder';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import { flowKey } from '../../support/flow-order.ts';
import type { Chance } from '../../support/chance.ts';
import { connectWorker } from './connect.ts';
import { chooseFlows } from './flows.ts';
import { type Call, forwardingOf, type Recorder, type Told } from './history.ts';
import { outcomeOf } from './outcomes.ts';
import type { Worker, WorkerSetup } from './worker-setup.ts';

/** A start that a fault holds up is given up soon enough that the worker can rest. */
const START_WITHIN_MS = 4_000;
/** Longer than a lease: the session of a start that was given up may have to end first. Below the limit of a rest. */
const SETTLES_WITHIN_MS = 10_000;
const AGAIN_AFTER_MS = 100;
const LOOK_EVERY_MS = 25;
const PAGE = 1_000;
/** The longest time that its forwarding plane takes for an entry, and the share of calls that take time. */
const PLANE_MS_MAX = 20;
const SLOW_SHARE = 0.1;

/**
 * A `ForwarderAgent` of the client library, whose forwarding plane records every call. The agent registers again by itself, so
 * this worker starts another one only when a start has failed.
 */
export class ForwarderWorker implements Worker {
  readonly #mgm: Mgm;
  readonly #setup: WorkerSetup;
  readonly #recorder: Recorder;
  readonly #chance: Chance;
  readonly #plane: RecordingPlane;
  /** From `performance.now()`, the clock of the agent, to that of histories. */
  readonly #clockOffsetMs = machineMonoMs() - performance.now();
  #agent: ForwarderAgent | undefined;
  /** The session that is on record. */
  #session: number | undefined;
  #isResting = false;
  /** The table that was recorded last. */
  #recorded = '';

  private constructor(mgm: Mgm, setup: WorkerSetup, recorder: Recorder, chance: Chance) {
    this.#mgm = mgm;
    this.#setup = setup;
    this.#recorder = recorder;
    this.#chance = chance;
    this.#plane = new RecordingPlane(recorder, chance.fork(), () => this.#agent?.frev);
    setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  static async start(
    setup: WorkerSetup,
    recorder: Recorder,
    chance: Chance,
  ): Promise<ForwarderWorker> {
    return new ForwarderWorker(await connectWorker(setup), setup, recorder, chance);
  }

  get isRegistered(): boolean {
    return this.#agent !== undefined;
  }

  async register(): Promise<void> {
    const { protocolId, componentId, name, ttlMs } = this.#setup;
    await this.#call({ op: 'register' }, async () => {
      const agent = await ForwarderAgent.start(this.#mgm, {
        ...{ protocolId, componentId, name, ttlMs, plane: this.#plane },
        deadlineMs: START_WITHIN_MS,
        gate: { arm: () => {}, commit: (renewal) => this.#renewed(renewal) },
        onState: (state) => this.#recorder.write({ kind: 'forwarder', state }),
      });
      this.#agent = agent;
      this.#session = agent.session;
      return { told: 'registered', session: agent.session ?? 0, resumed: false };
    });
  }

  async act(): Promise<void> {
    this.#isResting = false;
    const roll = this.#chance.next() * 100;
    if (roll < 70) this.#packets();
    else if (roll < 90) await this.#list();
    else await this.#get();
  }

  /** Starts an agent if a fault has prevented that. From here on it records its table whenever it changes. */
  async settle(): Promise<void> {
    const endMono = performance.now() + SETTLES_WITHIN_MS;
    while (!this.isRegistered && performance.now() < endMono) {
      await this.register();
      if (!this.isRegistered) await delay(AGAIN_AFTER_MS);
    }
    this.#isResting = true;
    this.#recorded = '';
  }

  async leave(): Promise<void> {
    await this.#agent?.stop();
    await this.#mgm.close();
  }

  /** Packets of several flows arrive, some on another interface than the incoming one of their entry. */
  #packets(): void {
    for (const [group, source, ifIndex] of chooseFlows(this.#chance, this.#setup.interfaces)) {
      const known = this.#agent?.newFlow({ group, source, ifIndex });
      if (!known) continue;
      this.#plane.count(known);
      if (known.ifIndex !== ifIndex) this.#agent?.wrongIf({ group, source, ifIndex });
    }
  }

  async #list(): Promise<void> {
    await this.#call({ op: 'mfe.list' }, async () => {
      for await (const { items, frev, log } of this.#mgm.mfePages({ limit: PAGE })) {
        return { told: 'listed', entries: items.map(forwardingOf), frev, log };
      }
      return { told: 'refused', reason: 'no page' };
    });
  }

  async #get(): Promise<void> {
    const [[group, source]] = chooseFlows(this.#chance, this.#setup.interfaces);
    await this.#call({ op: 'mfe.get' }, async () => {
      const mfe = await this.#mgm.getMfe({ group, source });
      return { told: 'listed', entries: [forwardingOf(mfe)] };
    });
  }

  /** The time until it may forward is that of its session without the margin. */
  #renewed({ session, sentMono, deadlineMono }: Renewal): void {
    const { ttlMs } = this.#setup;
    const untilMono = sentMono + ttlMs + this.#clockOffsetMs;
    this.#recorder.write({ kind: 'contact', untilMono });
    this.#recorder.write({
      kind: 'deadline',
      session,
      deadlineMono: deadlineMono + this.#clockOffsetMs,
    });
  }

  /** Records another session. A resting agent records a table that changed. */
  #look(): void {
    const agent = this.#agent;
    if (!agent) return;
    const { session, frev, state } = agent;
    if (session !== undefined && session !== this.#session) {
      if (this.#session !== undefined) {
        this.#recorder.write({ kind: 'over', session: this.#session, why: 'registered again' });
      }
      this.#session = session;
      const id = this.#recorder.nextId();
      this.#recorder.write({ kind: 'invoked', id, op: 'register' });
      this.#recorder.write({ kind: 'returned', id, told: 'registered', session, resumed: false });
    }
    if (!this.#isResting || frev === undefined || state !== 'attached') return;
    const entries = [...agent.entries()].map(forwardingOf);
    const present = JSON.stringify([frev, entries]);
    if (present === this.#recorded) return;
    this.#recorded = present;
    this.#recorder.write({ kind: 'table', frev, entries });
  }

  async #call(asked: Omit<Call, 'id'>, does: () => Promise<Told>): Promise<void> {
    const id = this.#recorder.nextId();
    this.#recorder.write({ kind: 'invoked', id, ...asked });
    let told: Told;
    try {
      told = await does();
    } catch (error) {
      if (!isMgmError(error)) throw error;
      told = outcomeOf(asked.op, error);
    }
    this.#recorder.write({ kind: 'returned', id, ...told });
  }
}

/** A forwarding plane in memory, which takes time now and then. */
class RecordingPlane implements ForwardingPlane {
  readonly #recorder: Recorder;
  readonly #chance: Chance;
  readonly #frev: () => number | undefined;
  readonly #installed = new Map<string, { readonly mfe: Mfe; packets: number }>();

  constructor(recorder: Recorder, chance: Chance, frev: () => number | undefined) {
    this.#recorder = recorder;
    this.#chance = chance;
    this.#frev = frev;
  }

  async set(mfe: Mfe): Promise<void> {
    this.#recorder.write({ kind: 'plane', call: 'set', ...this.#at, entry: forwardingOf(mfe) });
    await this.#work();
    const known = this.#installed.get(flowKey(mfe));
    const packets = known?.mfe.incarnation === mfe.incarnation ? known.packets : 0;
    this.#installed.set(flowKey(mfe), { mfe, packets });
  }

  async delete(mfe: Mfe): Promise<MfeCounters | undefined> {
    this.#recorder.write({ kind: 'plane', call: 'delete', ...this.#at, entry: forwardingOf(mfe) });
    await this.#work();
    const known = this.#installed.get(flowKey(mfe));
    this.#installed.delete(flowKey(mfe));
    return known && countersOf(known.mfe, known.packets);
  }

  async flush(): Promise<void> {
    this.#recorder.write({ kind: 'plane', call: 'flush', ...this.#at });
    await this.#work();
    this.#installed.clear();
  }

  stats(): MfeCounters[] {
    this.#recorder.write({ kind: 'plane', call: 'stats', ...this.#at });
    return [...this.#installed.values()].map(({ mfe, packets }) => countersOf(mfe, packets));
  }

  /** A packet of this entry was forwarded. */
  count(mfe: Mfe): void {
    const known = this.#installed.get(flowKey(mfe));
    if (known) known.packets++;
  }

  get #at(): { readonly frev?: number } {
    const frev = this.#frev();
    return frev === undefined ? {} : { frev };
  }

  async #work(): Promise<void> {
    if (this.#chance.next() < SLOW_SHARE) await delay(this.#chance.between(1, PLANE_MS_MAX));
  }
}

function countersOf({ group, source, incarnation, oifs }: Mfe, inPkts: number): MfeCounters {
  const counted = oifs.map(([ifIndex, nextHop]) => ({ ifIndex, nextHop, outPackets: inPkts }));
  return { group, source, incarnation, inPkts, oifs: counted };
}
