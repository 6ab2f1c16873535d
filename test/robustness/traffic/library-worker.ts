import { setTimeout as delay } from 'node:timers/promises';
import {
  isIgmp,
  isMgmError,
  type CallbackMessage,
  type Mgm,
  type Ownership,
  type Session,
} from '@mgm/client';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Chance } from '../../support/chance.ts';
import { connectWorker } from './connect.ts';
import { chooseChange } from './entries.ts';
import { chooseRoute } from './flows.ts';
import { outcomeOf, holdOf, outdated } from './outcomes.ts';
import type { Call, Recorder, Told } from './history.ts';
import type { Worker, WorkerSetup } from './worker-setup.ts';

const LOOK_EVERY_MS = 25;
const REFUSED_PAUSE_MS = 50;
/** The share of calls that change memberships. */
const MEMBERSHIP_SHARE = 0.3;
/** The share of calls that change routes. */
const ROUTE_SHARE = 0.08;

type Asked = Omit<Call, 'id'>;

/** A routing protocol, or IGMP, on the client library. */
export class LibraryWorker implements Worker {
  readonly #mgm: Mgm;
  readonly #setup: WorkerSetup;
  readonly #recorder: Recorder;
  readonly #chance: Chance;
  readonly #deadlines = new Map<number, number>();
  #session: Session | undefined;
  #recovery: string | undefined;

  private constructor(mgm: Mgm, setup: WorkerSetup, recorder: Recorder, chance: Chance) {
    this.#mgm = mgm;
    this.#setup = setup;
    this.#recorder = recorder;
    this.#chance = chance;
    setInterval(() => this.#noteDeadline(), LOOK_EVERY_MS).unref();
  }

  static async start(
    setup: WorkerSetup,
    recorder: Recorder,
    chance: Chance,
  ): Promise<LibraryWorker> {
    return new LibraryWorker(await connectWorker(setup), setup, recorder, chance);
  }

  get isRegistered(): boolean {
    return this.#session !== undefined && this.#session.state !== 'over';
  }

  async register(takeover: boolean): Promise<void> {
    const { protocolId, componentId, name, ttlMs, graceMs } = this.#setup;
    const early: CallbackMessage[] = [];
    let session: Session | undefined;
    // Callbacks that arrive before the session is known are kept.
    const handle = (callback: CallbackMessage): void => {
      if (session) this.#called(session.id, callback);
      else early.push(callback);
    };
    const on = { onDisableIgmp: handle, onEnableIgmp: handle, onOwnershipLost: handle };
    const client = { protocolId, componentId, name, ttlMs, graceMs, takeover };
    await this.#call({ op: 'register' }, async () => {
      session = await this.#mgm.registerProtocol({ ...client, ...on });
      this.#begin(session);
      // Synchronously: the next callback is handled after this turn.
      for (const callback of early) this.#called(session.id, callback);
      return { told: 'registered', session: session.id, resumed: session.resumed };
    });
    if (!session) return;
    for (const ownership of session.ownerships) this.#own(ownership);
  }

  async act(): Promise<void> {
    const session = this.#session;
    if (!session || session.state === 'recovering') {
      await delay(REFUSED_PAUSE_MS);
      return;
    }
    const held = session.ownerships;
    if (this.#setup.memberships && this.#chance.next() < MEMBERSHIP_SHARE) {
      return await this.#changeMemberships(session);
    }
    if (this.#setup.routes && this.#chance.next() < ROUTE_SHARE) {
      return await this.#changeRoutes(session);
    }
    const ifIndex = this.#chance.one(this.#setup.interfaces);
    const roll = this.#chance.next() * 100;
    if (roll < 34) return await this.#take(session, [ifIndex]);
    if (roll < 42) return await this.#take(session, this.#some());
    if (roll < 64 && held.length > 0) return await this.#release(session, this.#chance.one(held));
    if (roll < 68) return await this.#release(session, { ifIndex });
    if (roll < 84) return await this.#owner(ifIndex);
    if (roll < 95 && held.length > 0) return await this.#validate(this.#chance.one(held));
    if (roll < 97) return await this.#adminRelease(ifIndex);
    if (roll < 97.3) return await this.#evict(ifIndex);
    if (roll < 98.2) return await this.#deregister(session);
    if (roll < 98.8) session.orphan();
  }

  async leave(): Promise<void> {
    await this.#session?.deregister({ force: true }).catch(() => {});
    await this.#mgm.close();
  }

  #begin(session: Session): void {
    this.#session = session;
    session.on('lost', ({ recovering }) => {
      if (recovering) this.#recovery ??= this.#invoked({ op: 'register' });
    });
    session.on('recovered', ({ session: id, regained }) => {
      this.#returned(this.#recovery, { told: 'registered', session: id, resumed: true });
      this.#recovery = undefined;
      for (const ownership of regained) this.#own(ownership);
    });
    session.on('ended', ({ reason }) => {
      this.#returned(this.#recovery, { told: 'unknown', reason: reason.reason });
      this.#recovery = undefined;
      this.#recorder.write({ kind: 'over', session: session.id, why: reason.message });
      if (this.#session === session) this.#session = undefined;
    });
    session.on('callbacks-missed', () => {
      this.#recorder.write({ kind: 'callbacks-missed', session: session.id });
    });
  }

  #own(ownership: Ownership): void {
    const session = this.#session?.id ?? 0;
    const { ifIndex, epoch } = ownership;
    const held = { ifIndex, epoch, session };
    // The deadline first: it bounds the belief that the next entry begins.
    this.#noteDeadline();
    if (!ownership.isHeld) return;
    this.#recorder.write({ kind: 'holds', ...held });
    ownership.signal.addEventListener('abort', () => {
      this.#recorder.write({ kind: 'lets-go', ...held });
    });
  }

  /** The time is read before `deadlineInMs`, so the recorded deadline is never too late. */
  #noteDeadline(): void {
    const mono = machineMonoMs();
    const session = this.#session;
    const deadlineInMs = session?.deadlineInMs ?? 0;
    if (!session || deadlineInMs === 0) return;
    const deadlineMono = mono + deadlineInMs;
    if (deadlineMono < (this.#deadlines.get(session.id) ?? 0) + 5) return;
    this.#deadlines.set(session.id, deadlineMono);
    this.#recorder.write({ kind: 'deadline', session: session.id, deadlineMono });
  }

  #called(session: number, callback: CallbackMessage): void {
    const { type, ifIndex, seq } = callback;
    const more = 'epoch' in callback ? { epoch: callback.epoch } : { rev: callback.rev };
    this.#recorder.write({ kind: 'callback', session, seq, type, ifIndex, ...more });
  }

  async #take(session: Session, wanted: readonly number[]): Promise<void> {
    const igmp = isIgmp(this.#setup.protocolId);
    const calls = wanted.map((ifIndex) =>
      this.#call({ op: 'take', session: session.id, ifIndex, igmp }, async () => {
        const ownership = await session.takeInterfaceOwnership({ ifIndex });
        this.#own(ownership);
        return { told: 'taken', epoch: ownership.epoch };
      }),
    );
    await Promise.all(calls);
  }

  async #release(session: Session, on: { ifIndex: number; epoch?: string }): Promise<void> {
    const { ifIndex, epoch } = on;
    const asked = {
      op: 'release',
      session: session.id,
      ifIndex,
      ...(epoch !== undefined && { epoch }),
    } as const;
    await this.#call(asked, async () => {
      await session.releaseInterfaceOwnership({ ifIndex });
      return { told: 'released' };
    });
  }

  /** Changes memberships on interfaces that it holds, and from time to time on others. */
  async #changeMemberships(session: Session): Promise<void> {
    const held = session.ownerships.map(({ ifIndex }) => ifIndex);
    const isOwn = held.length > 0 && this.#chance.next() < 0.9;
    const plan = chooseChange(this.#chance, isOwn ? held : this.#setup.interfaces);
    const refs = plan.elements.map(({ ifIndex, entry: [group, source] }) => ({
      ifIndex,
      group,
      source,
    }));
    await this.#call({ op: plan.operation, session: session.id }, async () => {
      const results =
        plan.operation === 'member.add'
          ? await session.addGroupMembershipEntries(refs)
          : await session.deleteGroupMembershipEntries(refs);
      const count = results.filter((one) => one.kind === 'done' && one.changed).length;
      return { told: 'changed', count };
    });
  }

  async #changeRoutes(session: Session): Promise<void> {
    const { operation, ...route } = chooseRoute(this.#chance, this.#setup.interfaces);
    await this.#call({ op: operation, session: session.id }, async () => {
      const results =
        operation === 'rib.set'
          ? await session.setRoutes([route])
          : await session.deleteRoutes([{ network: route.network, length: route.length }]);
      return { told: 'changed', count: results.filter(({ kind }) => kind === 'done').length };
    });
  }

  async #owner(ifIndex: number): Promise<void> {
    await this.#call({ op: 'owner', ifIndex }, async () => {
      const { igmp, ...owner } = await this.#mgm.getProtocolOnInterface({ ifIndex });
      return { told: 'held', ...holdOf(owner), ...(igmp && { igmp: holdOf(igmp) }) };
    });
  }

  async #validate({ ifIndex, epoch }: Ownership): Promise<void> {
    await this.#call({ op: 'validate', ifIndex, epoch }, async () => {
      const { valid, current } = await this.#mgm.validateEpoch({ ifIndex, epoch });
      return valid ? { told: 'current' } : outdated(current);
    });
  }

  async #adminRelease(ifIndex: number): Promise<void> {
    await this.#call({ op: 'admin-release', ifIndex }, async (why) => {
      const previous = await this.#mgm.adminRelease({ ifIndex, actor: this.#setup.name, why });
      return { told: 'released', ...holdOf(previous) };
    });
  }

  async #evict(ifIndex: number): Promise<void> {
    const holder = await this.#mgm.getProtocolOnInterface({ ifIndex }).catch(() => undefined);
    if (!holder) return;
    await this.#call({ op: 'admin-evict', target: holder.session }, async (why) => {
      await this.#mgm.adminEvict({ session: holder.session, actor: this.#setup.name, why });
      return { told: 'evicted' };
    });
  }

  async #deregister(session: Session): Promise<void> {
    await this.#call({ op: 'deregister', session: session.id }, async () => {
      await session.deregister({ force: true });
      return { told: 'deregistered' };
    });
  }

  #some(): number[] {
    return this.#setup.interfaces.filter(() => this.#chance.next() < 0.5);
  }

  async #call(asked: Asked, does: (id: string) => Promise<Told>): Promise<void> {
    const id = this.#invoked(asked);
    let told: Told;
    try {
      told = await does(id);
    } catch (error) {
      if (!isMgmError(error)) throw error;
      told = outcomeOf(asked.op, error);
    }
    this.#returned(id, told);
    if (told.told === 'refused') await delay(REFUSED_PAUSE_MS);
  }

  #invoked(asked: Asked): string {
    const id = this.#recorder.nextId();
    this.#recorder.write({ kind: 'invoked', id, ...asked });
    return id;
  }

  #returned(id: string | undefined, told: Told): void {
    if (id !== undefined) this.#recorder.write({ kind: 'returned', id, ...told });
  }
}
