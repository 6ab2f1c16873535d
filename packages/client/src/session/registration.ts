import type {
  Cause,
  Epoch,
  Handle,
  InterfaceItem,
  InterfaceKey,
  OwnershipLostCallback,
  RefusalFields,
  SessionId,
} from '@mgm/protocol';
import { CallbackDesk, type MissedCallbacks } from './callback-desk.ts';
import type { CallbackFailure, CallbackHandlers } from './callbacks.ts';
import type { Context } from '../rpc/context.ts';
import { deregister } from './deregister.ts';
import type { MgmError } from '../errors.ts';
import type { Change } from '../interfaces/gather.ts';
import { Holdings } from '../interfaces/holdings.ts';
import { InterfaceCalls, type OperationOptions } from '../interfaces/calls.ts';
import { SHARED_GROUP } from '../interfaces/operation.ts';
import { Keepalive } from './keepalive.ts';
import { LeaseClock } from './lease-clock.ts';
import { NumberedRequests } from '../interfaces/numbered-requests.ts';
import type { CallOptions } from '../options.ts';
import type { HeldInterface, OwnershipKeeper } from '../ownership.ts';
import { interfacePages } from '../rpc/pages.ts';
import type { Registered } from './register.ts';
import type { Success } from '../rpc/replies.ts';
import {
  beingDeregistered,
  givenBack,
  sessionLost,
  takenAgain,
  takenAway,
  type LossCause,
} from './errors.ts';

/** A registration that is over, and what it held until then. */
export interface Loss {
  readonly session: SessionId;
  readonly cause: LossCause;
  readonly lastRev: number;
  readonly ttlMs: number;
  readonly reason: MgmError;
  readonly held: readonly HeldInterface[];
}

/** Losing an interface by these means that its session is over. */
const SESSION_ENDED_BY: { readonly [Name in Cause]?: LossCause } = {
  expire: 'expired',
  evict: 'evicted',
};

/** Whose registration it is. Called in the stack of whoever noticed. */
export interface RegistrationOwner {
  readonly handlers: CallbackHandlers;
  onJeopardy(deadlineMono: number): void;
  onSafe(deadlineMono: number): void;
  onLost(loss: Loss): void;
  onOwnershipLost(ownership: HeldInterface, callback: OwnershipLostCallback): void;
  onCallbackFailure(failure: CallbackFailure): void;
  onCallbacksMissed(missed: MissedCallbacks): void;
}

/**
 * One session of the store, from its `register` to its end. It lives until the lease is over on this side, the manager
 * refuses its handle, or it is given up; then all its ownerships end, everything under way is told, and nothing is
 * sent with its handle any more. Nothing leads back: registering again makes another `Registration`.
 */
export class Registration implements OwnershipKeeper {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly ttlMs: number;
  readonly graceMs: number;
  /** Whether it inherited what a former session of the pair had. */
  readonly resumed: boolean;
  readonly handlers: CallbackHandlers;
  readonly #context: Context;
  readonly #owner: RegistrationOwner;
  readonly #lease: LeaseClock;
  readonly #requests: NumberedRequests;
  readonly #holdings: Holdings;
  readonly #calls: InterfaceCalls;
  readonly #desk: CallbackDesk;
  readonly #keepalive: Keepalive;
  readonly #mailboxAtStart: number;
  #ended: MgmError | undefined;
  #lastRev: number;
  #isClosing = false;
  #isAdopting = false;

  constructor(context: Context, { fields, sentMono }: Registered, owner: RegistrationOwner) {
    this.handle = fields.handle;
    this.session = fields.session;
    this.ttlMs = fields.ttlMs;
    this.graceMs = fields.graceMs;
    this.resumed = fields.resumed;
    this.#lastRev = fields.rev;
    this.handlers = owner.handlers;
    this.#context = context;
    this.#owner = owner;
    this.#requests = new NumberedRequests(context, fields.handle, () => this.over());
    this.#holdings = new Holdings(this);
    this.#calls = new InterfaceCalls({
      ...context,
      sequence: this.#requests.sequence,
      sender: this.#requests,
      over: () => this.over(),
      refused: (refusal) => this.refused(refusal),
      granted: (key, epoch) => this.#grant(key, epoch),
      closing: () => (this.#isClosing ? beingDeregistered() : undefined),
      starting: (change, key) => this.#starting(change, key),
      settled: (key) => this.#isAdopting || this.#holdings.settled(key),
    });
    this.#desk = new CallbackDesk(context, this);
    this.#keepalive = new Keepalive(context, this, sentMono);
    this.#lease = new LeaseClock(context.clock, sentMono, fields.ttlMs, {
      onJeopardy: () => owner.onJeopardy(this.#lease.deadlineMono),
      onSafe: () => owner.onSafe(this.#lease.deadlineMono),
      onDeadline: () => this.lose('deadline'),
    });
    this.#mailboxAtStart = fields.mailbox;
  }

  /** Its owner knows it now: from here on it hears from it. */
  begin(): void {
    this.#desk.sawHead(this.#mailboxAtStart);
    this.check();
  }

  /** The revision of the last answer that it got: whatever ended it is above that. */
  get lastRev(): number {
    return this.#lastRev;
  }

  /** Why it is over, by the clock as it is now; `undefined` while it lives. */
  over(): MgmError | undefined {
    if (!this.#ended) this.#lease.check();
    return this.#ended;
  }

  check(): void {
    this.over();
  }

  get state(): 'live' | 'jeopardy' | 'lost' {
    return this.#lease.state;
  }

  deadlineMono(): number {
    return this.#lease.deadlineMono;
  }

  get holdings(): Iterable<HeldInterface> {
    this.check();
    return [...this.#holdings];
  }

  take(key: InterfaceKey, group: number, options: OperationOptions): Promise<HeldInterface> {
    return this.#calls.take(key, group, options);
  }

  release(key: InterfaceKey, group: number, options: CallOptions): Promise<void> {
    // From the call on, not from its turn: who releases has stopped acting.
    this.#holdings.end(key, givenBack);
    return this.#calls.release(key, group, options);
  }

  async giveBack(ownership: HeldInterface, options: CallOptions): Promise<void> {
    await this.release(ownership.key, SHARED_GROUP, options);
  }

  /** Finds out what a session that was resumed has inherited, and makes it this side's. */
  async adopt(options: CallOptions): Promise<HeldInterface[]> {
    this.#isAdopting = true;
    const adopted: HeldInterface[] = [];
    for await (const { items } of interfacePages(this.#context, {
      ...options,
      session: this.session,
    })) {
      for (const item of items) adopted.push(this.#grant(item, this.#epochIn(item)));
    }
    this.#isAdopting = false;
    for (const { key } of adopted) this.#holdings.settled(key);
    return adopted;
  }

  /** Ends the session at the store. Rejects with {@link MgmError}; see `Session.deregister`. */
  async deregister(force: boolean, options: CallOptions): Promise<void> {
    await deregister(this.#context, this.#requests, force, options, {
      finishEverything: async () => await this.#calls.idle(),
      dropEverything: () => {
        const reason = beingDeregistered();
        this.#holdings.endAll(reason);
        this.#calls.end(reason);
      },
      closing: (isClosing) => (this.#isClosing = isClosing),
      lose: (cause, detail) => this.lose(cause, detail),
    });
  }

  /** The connection is back: what was missed meanwhile shows in the answer to a keepalive. */
  linkUp(): void {
    this.#keepalive.soon(0);
  }

  /** Over for good. The first cause stays. */
  lose(cause: LossCause, detail = ''): void {
    if (this.#ended) return;
    const reason = sessionLost(cause, detail);
    this.#ended = reason;
    this.#lease.end();
    this.#keepalive.stop();
    this.#desk.end();
    const held = this.#holdings.endAll(reason);
    this.#calls.end(reason);
    const { session, lastRev, ttlMs } = this;
    this.#owner.onLost({ session, cause, lastRev, ttlMs, reason, held });
  }

  ack(): number {
    return this.#requests.sequence.ack;
  }

  handledCallback(): number {
    return this.#desk.handled;
  }

  handledMore(): void {
    this.#keepalive.soon();
  }

  renewed(sentMono: number, reply: Success<'keepalive'>): void {
    if (this.#ended || !this.#lease.renew(sentMono, reply.ttlMs)) return;
    this.#lastRev = Math.max(this.#lastRev, reply.rev);
    this.#desk.sawHead(reply.mailbox);
  }

  refused(refusal: RefusalFields): void {
    this.lose(refusal.reason === 'session-expired' ? 'expired' : 'refused', refusal.message);
  }

  ownershipLost(callback: OwnershipLostCallback): void {
    const end = SESSION_ENDED_BY[callback.cause];
    // The first of many: the rest of what is owned goes the same way, whatever order the messages come in.
    if (end) return this.lose(end, callback.why);
    const isBeingTaken = this.#isAdopting || this.#calls.isBusy(callback);
    const reason = takenAway(callback);
    const lost = this.#holdings.lose(callback, callback.epoch, reason, isBeingTaken);
    if (lost) this.#owner.onOwnershipLost(lost, callback);
  }

  failed(failure: CallbackFailure): void {
    this.#owner.onCallbackFailure(failure);
  }

  missed(missed: MissedCallbacks): void {
    this.#owner.onCallbacksMissed(missed);
  }

  #starting(change: Change, key: InterfaceKey): void {
    if (change === 'release') this.#holdings.end(key, givenBack);
  }

  #grant({ ifIndex, nextHop }: InterfaceKey, epoch: Epoch | undefined): HeldInterface {
    if (epoch === undefined) throw new TypeError('an interface was taken without an epoch');
    return this.#holdings.grant({ ifIndex, nextHop }, epoch, takenAgain);
  }

  /** IGMP's hold beside an owner has an epoch of its own. */
  #epochIn(item: InterfaceItem): Epoch {
    return item.session === this.session ? item.epoch : (item.igmp?.epoch ?? item.epoch);
  }
}
