import { parseUnshared } from '@mgm/protocol';
import type {
  Cause,
  Handle,
  IgmpCallback,
  OperationName,
  OwnershipLostCallback,
  RefusalFields,
  RequestFields,
  SessionId,
  UnsharedOperation,
} from '@mgm/protocol';
import {
  gaveUp,
  isMgmError,
  refusalError,
  withOrigin,
  withOutcome,
  type MgmError,
  wrongRequest,
} from '../errors.ts';
import { InterfaceCalls } from '../interfaces/calls.ts';
import { Questions } from '../forwarding/questions.ts';
import type { SettingsRecord } from '../interfaces/refs.ts';
import type { OtherOperation } from '../interfaces/requests.ts';
import { checkedLimits, type CallOptions } from '../options.ts';
import { HeldAlerts } from '../membership/held-alerts.ts';
import type { MembershipRecord } from '../membership/record.ts';
import { RouteChanges } from '../view/changes.ts';
import type { RouteRecord } from '../view/items.ts';
import type { Route } from '../view/refs.ts';
import type { HeldInterface } from '../ownership.ts';
import { untilAborted } from '../rpc/clock.ts';
import { abandonedOn, requestGranted, type Context } from '../rpc/context.ts';
import { interfacePages } from '../rpc/pages.ts';
import { granted, isSessionGone, type Success } from '../rpc/messages.ts';
import { beingDeregistered, beingRecovered, sessionLost } from './events.ts';
import type { CallbackHandlers, Emitter, Loss, LossCause, SessionEvents } from './events.ts';
import { Keepalive, KEEPALIVES_PER_LEASE, type LeaseGate } from './keepalive.ts';
import { LeaseClock, type LeaseState } from './lease-clock.ts';
import { Mailbox } from './mailbox.ts';
import type { Registered } from './register.ts';
import { HandlerTurn } from './turn.ts';

/** Losing an interface for one of these causes means that its session is over. */
const SESSION_ENDED_BY: { readonly [Name in Cause]?: LossCause } = {
  expire: 'expired',
  evict: 'evicted',
};

/** What a registration reports to. */
export interface RegistrationOptions {
  readonly gate?: LeaseGate | undefined;
  /** How often a keepalive is sent, in ms. Default: a third of the lease. */
  readonly keepaliveEveryMs?: number | undefined;
  /** Every change of forwarding entries up to it is in the forwarding plane of the session. */
  readonly programmed: () => number | undefined;
  /** The memberships of the session, across its registrations. */
  readonly memberships: MembershipRecord;
  /** The settings of its interfaces, across its registrations. */
  readonly settings: SettingsRecord;
  /** Its routes, across its registrations. */
  readonly routes: RouteRecord;
  readonly onRoutesLost: (routes: readonly Route[], error: MgmError) => void;
  /** How long PRUNE alerts of a window are held back, in ms. */
  readonly windowHoldMs: number;
  readonly onIgmp: (callback: IgmpCallback) => void;
  readonly onIgmpHandled: (callback: IgmpCallback) => void;
  readonly onUnknownCallback: () => void;
  readonly handlers: CallbackHandlers;
  readonly events: Emitter<SessionEvents>;
  /** Whether the session may be registered again after a loss with this cause. */
  readonly mayRecover: (cause: LossCause) => boolean;
  /** Called synchronously by the code that noticed the loss. */
  readonly onLost: (loss: Loss) => void;
}

/**
 * One session of the store, from its `register` to its end. It lives until the lease is over on this side, a manager
 * refuses its handle, or its user ends it; then all its holds end, every pending call fails, and nothing is sent with its
 * handle any more. That is final: registering again creates another `Registration`.
 */
export class Registration {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly ttlMs: number;
  readonly graceMs: number;
  /** Whether it inherited the interfaces of a former session of the pair. */
  readonly resumed: boolean;
  /** Its takes and releases. */
  readonly interfaces: InterfaceCalls;
  /** Its changes of routes. */
  readonly routes: RouteChanges;
  /** The alerts that are held back. */
  readonly alerts: HeldAlerts;
  /** Whether its manager has memberships. */
  readonly hasMemberships: boolean;
  /** Aborts when it is over. */
  readonly signal: AbortSignal;
  readonly #end = new AbortController();
  readonly #context: Context;
  readonly #options: RegistrationOptions;
  readonly #lease: LeaseClock;
  readonly #mailbox: Mailbox;
  readonly #turn = new HandlerTurn();
  readonly #questions: Questions;
  readonly #keepalive: Keepalive;
  readonly #mailboxAtStart: number;
  #ended: MgmError | undefined;
  #lastRev: number;
  readonly #storeLosses: number;

  constructor(context: Context, { fields, sentMono }: Registered, options: RegistrationOptions) {
    const { handle, session, ttlMs } = fields;
    this.handle = handle;
    this.session = session;
    this.ttlMs = ttlMs;
    this.graceMs = fields.graceMs;
    this.resumed = fields.resumed;
    this.#lastRev = fields.rev;
    this.#storeLosses = context.store.losses;
    this.#mailboxAtStart = fields.mailbox;
    this.hasMemberships = fields.alerts !== undefined;
    this.signal = this.#end.signal;
    this.alerts = new HeldAlerts(options.windowHoldMs);
    this.#context = context;
    this.#options = options;
    const over = (): MgmError | undefined => this.over();
    this.#lease = new LeaseClock(context.clock, sentMono, ttlMs, (state) => this.#onLease(state));
    const gone = {
      over,
      mayRecover: (refusal: RefusalFields) => options.mayRecover(causeOf(refusal)),
      onHandleRefused: (refusal: RefusalFields) => this.#handleRefused(refusal),
    };
    const { memberships, settings, routes: record, onRoutesLost } = options;
    const records = { memberships, settings };
    this.interfaces = new InterfaceCalls(context, { ...gone, handle, session, ...records });
    this.routes = new RouteChanges(context, {
      ...gone,
      ...{ record, onRoutesLost, signal: this.signal, requests: this.interfaces.requests },
      closed: () => this.over() ?? this.interfaces.closing,
    });
    this.#mailbox = this.#newMailbox(handle, over);
    this.#questions = new Questions(context, session, options.handlers, this.#turn);
    this.#keepalive = this.#newKeepalive(handle, over, sentMono);
  }

  /** Starts to process what the manager reported; from here on `onLost` may be called. */
  begin(): void {
    this.#mailbox.sawHead(this.#mailboxAtStart);
    this.check();
  }

  /** Why it is over, by the clock now; `undefined` while it lives. */
  over(): MgmError | undefined {
    if (!this.#ended) this.#lease.check();
    return this.#ended;
  }

  check(): void {
    this.over();
  }

  get state(): LeaseState {
    return this.#lease.state;
  }

  get deadlineMono(): number {
    return this.#lease.deadlineMono;
  }

  /** Its holds, by the clock now. */
  get holdings(): readonly HeldInterface[] {
    this.check();
    return [...this.interfaces.holdings];
  }

  /** Sends a keepalive within this time. */
  keepAlive(withinMs: number): void {
    this.#keepalive.soon(withinMs);
  }

  /** Delivers alerts that became due. */
  wake(): void {
    this.#mailbox.wake();
  }

  /** Reports to the handlers that it replaces a registration that was lost. */
  recovered(): void {
    this.#mailbox.recovered();
  }

  /** Reads which interfaces a resumed session inherited, and records them as held. */
  async adopt(options: CallOptions): Promise<HeldInterface[]> {
    const filter = { ...options, session: this.session };
    return await this.interfaces.adopt(interfacePages(this.#context, filter));
  }

  /** Sends a request that carries the handle. If a manager refuses the handle, the session is over. */
  async request<Name extends UnsharedOperation>(
    operation: Name,
    fields: RequestFields<Name>,
    options: CallOptions,
  ): Promise<Success<Name>> {
    const limits = { ...options, signal: this.#endOr(options.signal), guard: () => this.over() };
    try {
      return await requestGranted(this.#context, operation, fields, limits);
    } catch (error) {
      throw this.#requestFailed(operation, error);
    }
  }

  /** Sends a sequenced request, which takes effect once at most; `fields` are without handle and numbers. */
  async change<Name extends OtherOperation>(
    operation: Name,
    fields: Omit<RequestFields<Name>, 'handle' | 'seq' | 'ack'>,
    options: CallOptions,
  ): Promise<Success<Name>> {
    const { clock, router } = this.#context;
    const { requests, closing } = this.interfaces;
    const origin = { operation, router };
    const parsed = parseUnshared(operation, { handle: this.handle, seq: 1, ack: 1, ...fields });
    if (parsed.kind === 'bad-request') throw wrongRequest(parsed, origin);
    const { timeoutMs, deadlineMs } = checkedLimits(options, this.#context, () => origin);
    if (closing) throw closing;
    if (options.signal?.aborted) throw gaveUp('aborted', origin);
    const deadlineMono = clock.monoMs() + deadlineMs;
    const { seq, call } = requests.other(operation, fields, { timeoutMs, deadlineMono });
    try {
      const { reply } = await abandonedOn(this.#endOr(options.signal), call);
      return granted(reply, (refusal) => refusalError(refusal, origin));
    } catch (error) {
      throw this.#requestFailed(operation, error);
    } finally {
      requests.sequence.finish(seq);
    }
  }

  /**
   * Ends the session at the store. Rejects with {@link MgmError}; see `Session.deregister`.
   *
   * Without `force` it waits for pending calls and lets the session live on if the manager refuses. With `force` the
   * session is over on this side from the call on, because its interfaces may have another owner as soon as a manager has
   * the request; the request's `ack` makes sure that nothing sent before is executed later.
   */
  async deregister(force: boolean, options: CallOptions): Promise<void> {
    const { clock } = this.#context;
    const endsMono = clock.monoMs() + (options.deadlineMs ?? this.#context.deadlineMs);
    this.interfaces.closing = beingDeregistered();
    try {
      if (force) this.#endCalls(beingDeregistered());
      await this.#finishCalls(force, endsMono, options.signal);
      await this.#sendDeregister(force, { ...options, deadlineMs: endsMono - clock.monoMs() });
      this.lose('deregistered');
    } catch (error) {
      throw isMgmError(error) ? this.#deregisterFailed(force, error) : error;
    }
  }

  /** The connection is back: the reply to a keepalive shows missed callbacks. */
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
    this.#mailbox.end();
    this.#questions.end();
    this.#end.abort(reason);
    const callError = this.#options.mayRecover(cause) ? beingRecovered() : reason;
    const held = this.#endCalls(reason, callError);
    const { session, ttlMs } = this;
    const [lastRev, storeLosses] = [this.#lastRev, this.#storeLosses];
    this.#options.onLost({ session, cause, lastRev, storeLosses, ttlMs, reason, held });
  }

  /** Returns the holds that ended. */
  #endCalls(reason: MgmError, callError: MgmError = reason): HeldInterface[] {
    this.routes.end(callError);
    return this.interfaces.end(reason, callError);
  }

  /** Aborts when the session is over, or as `signal` does. */
  #endOr(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([this.signal, signal]) : this.signal;
  }

  /** The error for the caller. If a manager refused the handle, the session is over. */
  #requestFailed(operation: OperationName, error: unknown): unknown {
    if (!isMgmError(error)) return error;
    if (isSessionGone(error)) this.#handleRefused(error);
    const over = this.over();
    if (!over) return error;
    const recovers = isSessionGone(error) && this.#options.mayRecover(causeOf(error));
    const reason = withOrigin(recovers ? beingRecovered() : over, { operation });
    return withOutcome(reason, error.outcome);
  }

  #newMailbox(handle: Handle, over: () => MgmError | undefined): Mailbox {
    const { handlers, events } = this.#options;
    return new Mailbox(this.#context, {
      handle,
      session: this.session,
      handlers,
      events,
      over,
      turn: this.#turn,
      onOwnershipLost: (callback) => this.#ownershipLost(callback),
      onSessionLost: ({ by }) => this.lose('takeover', `session ${by}`),
      onHandled: () => this.#keepalive.soon(),
      alerts: this.alerts,
      onIgmp: this.#options.onIgmp,
      onIgmpHandled: this.#options.onIgmpHandled,
      onUnknown: this.#options.onUnknownCallback,
      acknowledge: () => this.#keepalive.acknowledge(),
    });
  }

  #newKeepalive(handle: Handle, over: () => MgmError | undefined, sentMono: number): Keepalive {
    const { gate, programmed, keepaliveEveryMs: everyMs } = this.#options;
    const session = {
      handle,
      session: this.session,
      ttlMs: this.ttlMs,
      everyMs: everyMs ?? this.ttlMs / KEEPALIVES_PER_LEASE,
      lease: this.#lease,
      gate,
      acknowledged: () => ({
        ack: this.interfaces.requests.sequence.ack,
        mailboxAck: this.#mailbox.handled,
        frev: programmed(),
      }),
      over,
      onRenewed: (reply: Success<'keepalive'>) => this.#renewed(reply),
      onRefused: (refusal: RefusalFields) => this.#handleRefused(refusal),
    };
    return new Keepalive(this.#context, session, sentMono);
  }

  #onLease(state: LeaseState): void {
    if (state === 'lost') return this.lose('deadline');
    const deadlineInMs = Math.max(0, this.deadlineMono - this.#context.clock.monoMs());
    this.#options.events.emit(state === 'jeopardy' ? 'jeopardy' : 'safe', { deadlineInMs });
  }

  #renewed({ rev, mailbox }: Success<'keepalive'>): void {
    this.#lastRev = Math.max(this.#lastRev, rev);
    this.#mailbox.sawHead(mailbox);
  }

  #handleRefused(refusal: Pick<RefusalFields, 'reason' | 'message'>): void {
    this.lose(causeOf(refusal), refusal.message);
  }

  #ownershipLost(callback: OwnershipLostCallback): void {
    const { cause, why } = callback;
    const end = SESSION_ENDED_BY[cause];
    // The first of many: every other interface is lost the same way, in whatever order the callbacks arrive.
    if (end) return this.lose(end, why);
    const ownership = this.interfaces.ownershipLost(callback);
    if (!ownership) return;
    const { ifIndex, nextHop, epoch } = ownership;
    const fields = { router: this.#context.router, ifIndex, nextHop, epoch, cause, why };
    this.#context.logger.warn(fields, 'ownership lost');
    this.#options.events.emit('ownership-lost', { ownership, cause, why });
  }

  /** Waits until pending calls are over and every number issued is passed. */
  async #finishCalls(
    force: boolean,
    endsMono: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const leftMs = Math.ceil(Math.max(0, endsMono - this.#context.clock.monoMs()));
    const limit = AbortSignal.any([AbortSignal.timeout(leftMs), ...(signal ? [signal] : [])]);
    const { sequence } = this.interfaces.requests;
    const finish = async (): Promise<void> => {
      if (!force) await Promise.all([this.interfaces.idle(), this.routes.idle()]);
      await sequence.passed(sequence.last);
    };
    await untilAborted(finish(), limit).catch((error: unknown) => {
      if (!limit.aborted) throw error;
      const origin = { operation: 'deregister', router: this.#context.router } as const;
      const waited = 'waited too long for pending calls';
      throw gaveUp(signal?.aborted ? 'aborted' : 'timeout', origin, { waited });
    });
  }

  async #sendDeregister(force: boolean, options: CallOptions): Promise<void> {
    const { requests } = this.interfaces;
    const { seq, call } = requests.deregister(force, options);
    try {
      const origin = { operation: 'deregister', router: this.#context.router } as const;
      const { reply } = await abandonedOn(options.signal, call);
      granted(reply, (refusal) => refusalError(refusal, origin));
    } finally {
      requests.sequence.finish(seq);
    }
  }

  /**
   * After a failed deregister the session is over if it was forced or its outcome is unknown. If a manager says that the
   * session is gone, it may be recovered. Otherwise the session continues. Returns the error for the caller.
   */
  #deregisterFailed(force: boolean, error: MgmError): MgmError {
    const isGone = isSessionGone(error);
    const recovers = !force && isGone && this.#options.mayRecover(causeOf(error));
    if (isGone && !force) this.lose(causeOf(error), error.message);
    else if (force || error.outcome === 'unknown') this.lose('deregistered', error.message);
    else this.interfaces.closing = undefined;
    return recovers ? withOrigin(beingRecovered(), { operation: 'deregister' }) : error;
  }
}

/** The cause of a loss by which a manager refused the handle. */
function causeOf({ reason }: { readonly reason: string }): LossCause {
  return reason === 'session-expired' ? 'expired' : 'refused';
}
