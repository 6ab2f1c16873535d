import { encodeMessage } from '@mgm/protocol';
import type { Handle, RefusalFields, SessionId } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import type { Logger } from '../options.ts';
import { worthMs, type Call } from '../rpc/call.ts';
import type { Cancel, Clock } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { isSessionGone, isSuccess, type Success } from '../rpc/messages.ts';
import { marginMs, type LeaseClock } from './lease-clock.ts';

/** The session that is kept alive. */
export interface KeptSession {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly ttlMs: number;
  /** How often a keepalive is sent, in ms. */
  readonly everyMs: number;
  readonly lease: LeaseClock;
  readonly gate?: LeaseGate | undefined;
  readonly acknowledged: () => Acknowledged;
  readonly over: () => MgmError | undefined;
  /** A keepalive was answered before the deadline. */
  readonly onRenewed: (reply: Success<'keepalive'>) => void;
  /** A manager refused the handle. */
  readonly onRefused: (refusal: RefusalFields) => void;
}

/** What a keepalive acknowledges. */
export interface Acknowledged {
  /** Every `seq` below is finished. */
  readonly ack: number;
  /** Every callback up to it was handled. */
  readonly mailboxAck: number;
  /** Every change of forwarding entries up to it is in the forwarding plane. */
  readonly frev?: number | undefined;
}

/** A keepalive is sent after about a third of the lease: one may be lost without harm, and each is repeated. */
export const KEEPALIVES_PER_LEASE = 3;
/** The random part of the interval, half of it either way, so that sessions that began together drift apart. */
const JITTER = 0.2;
/**
 * Keepalives that may wait for a reply at the same time. The next one is sent in time although the last has no reply, so a
 * round trip may take more than half of a lease.
 */
const UNANSWERED_MAX = 2;
/** Repeats of an unanswered keepalive per lease, so that several fit into the rest of a short lease. */
const REPEATS_PER_LEASE = 20;
/** The same in jeopardy, and the shortest interval then. */
const URGENT_REPEATS_PER_LEASE = 60;
const URGENT_SHORTEST_MS = 50;
/** How long acknowledgements of callbacks are collected before a keepalive is sent for them. */
const ACKNOWLEDGE_AFTER_MS = 100;

/** Keeps one session alive, whatever it holds: one small request per third of the lease, repeated until the deadline. */
export class Keepalive {
  readonly #context: Context;
  readonly #session: KeptSession;
  readonly #gate: GateCalls | undefined;
  #lastSentMono: number;
  #cancel: Cancel | undefined;
  #dueMono = Infinity;
  readonly #calls = new Set<Call<'keepalive'>>();
  #isWantedSoon = false;
  /** Callers that wait until a manager knows the present acknowledgements. */
  #waiting: (() => void)[] = [];
  #isStopped = false;

  /** @param sentMono when the request was sent that last renewed the lease */
  constructor(context: Context, session: KeptSession, sentMono: number) {
    this.#context = context;
    this.#session = session;
    this.#lastSentMono = sentMono;
    const { gate } = session;
    this.#gate = gate && new GateCalls(gate, context.clock, context.logger);
    // The gate was not armed before the registration, so it opens with the first keepalive.
    if (gate) this.soon(0);
    else this.#plan();
  }

  /** Sends a keepalive within `afterMs`, because there is something to acknowledge. */
  soon(afterMs: number = ACKNOWLEDGE_AFTER_MS): void {
    if (this.#calls.size > 0) this.#isWantedSoon = true;
    else this.#sendAt(this.#context.clock.monoMs() + afterMs);
  }

  /** Sends a keepalive now. Resolves when a manager has answered it, or when the session is over. */
  async acknowledge(): Promise<void> {
    if (this.#isStopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.soon(0);
    await promise;
  }

  stop(): void {
    this.#isStopped = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#cancel?.();
    for (const call of this.#calls) call.abandon('aborted');
  }

  /** Plans the next keepalive, unless one is planned already. */
  #plan(): void {
    if (this.#dueMono < Infinity || this.#calls.size >= UNANSWERED_MAX) return;
    const { everyMs } = this.#session;
    this.#sendAt(this.#lastSentMono + everyMs * (1 + (Math.random() - 0.5) * JITTER));
  }

  #sendAt(mono: number): void {
    if (this.#isStopped || mono >= this.#dueMono) return;
    const { clock } = this.#context;
    this.#cancel?.();
    this.#dueMono = mono;
    this.#cancel = clock.after(mono - clock.monoMs(), () => void this.#send());
  }

  async #send(): Promise<void> {
    this.#dueMono = Infinity;
    this.#cancel = undefined;
    if (this.#isStopped || this.#session.over()) return;
    this.#lastSentMono = this.#context.clock.monoMs();
    this.#isWantedSoon = false;
    const waiting = this.#waiting.splice(0);
    const renewal = this.#gate?.arm(this.#session.session, this.#session.ttlMs);
    const call = this.#start();
    this.#calls.add(call);
    this.#plan();
    try {
      const { reply, sentMono } = await call.result;
      this.#context.store.saw(reply.rev);
      if (isSuccess(reply)) {
        this.#measure(reply.ttlMs);
        const isRenewed = this.#renew(sentMono, reply);
        if (renewal && isRenewed) this.#gate?.commit(renewal);
        for (const resolve of waiting.splice(0)) resolve();
      } else if (isSessionGone(reply)) this.#refused(reply);
      else this.#logFailure(reply.message);
    } catch (error) {
      if (!(error instanceof MgmError)) throw error;
      if (!this.#isStopped) this.#logFailure(error.message);
    }
    this.#calls.delete(call);
    this.#plan();
    this.#waiting.unshift(...waiting);
    if (this.#isStopped) this.stop();
    else if (this.#isWantedSoon || this.#waiting.length > 0) this.soon();
  }

  /** Before the lease is renewed. */
  #measure(ttlMs: number): void {
    const { clock, router, measure } = this.#context;
    const { session, lease } = this.#session;
    const marginMs = lease.deadlineMono - clock.monoMs();
    measure?.({ kind: 'keepalive', router, session, marginMs, ttlMs });
  }

  /** Returns whether the session holds its lease. */
  #renew(sentMono: number, reply: Success<'keepalive'>): boolean {
    const { lease, onRenewed } = this.#session;
    if (this.#isStopped || !lease.renew(sentMono, reply.ttlMs)) return false;
    onRenewed(reply);
    return !this.#isStopped;
  }

  #refused(reply: RefusalFields): void {
    if (!this.#isStopped) this.#session.onRefused(reply);
  }

  #start(): Call<'keepalive'> {
    const { subjects, router, calls } = this.#context;
    const { handle, ttlMs, lease, acknowledged, over } = this.#session;
    const timeoutMs = Math.min(this.#context.timeoutMs, ttlMs / (2 * KEEPALIVES_PER_LEASE));
    const urgentMs = Math.max(ttlMs / URGENT_REPEATS_PER_LEASE, URGENT_SHORTEST_MS);
    return calls.start({
      operation: 'keepalive',
      subject: subjects.operation(router, 'keepalive'),
      payload: encodeMessage({ handle, ...acknowledged(), deadlineMs: worthMs(timeoutMs) }),
      origin: { operation: 'keepalive', router },
      timeoutMs,
      repeatEveryMs: ttlMs / REPEATS_PER_LEASE,
      urgent: { fromMono: lease.jeopardyMono, everyMs: Math.min(urgentMs, timeoutMs) },
      longestBackoffMs: timeoutMs,
      // Beyond the present lease, which another keepalive may renew meanwhile; `over` ends the call with the session.
      deadlineMono: this.#lastSentMono + ttlMs,
      guard: over,
    });
  }

  #logFailure(message: string): void {
    const { logger, router } = this.#context;
    logger.warn({ router, message }, 'keepalive failed');
  }
}

/** One keepalive, as a {@link LeaseGate} sees it. Both methods get the same object. */
export interface Renewal {
  readonly session: SessionId;
  /** From before the keepalive is sent, in ms on the monotonic clock of this process (`performance.now()`). */
  readonly sentMono: number;
  /** How long the gate may stay open, counted from {@link LeaseGate.arm}, in ms: the lease without its safety margin. */
  readonly openForMs: number;
  /** `sentMono` + `openForMs`: when the session must have stopped unless a later keepalive is confirmed. */
  readonly deadlineMono: number;
}

/**
 * A gate outside of this process that packets pass only while the session may act, for example in the kernel. It closes by a
 * clock of its own, so it holds also while this process is stopped.
 *
 * Up to two keepalives may be unconfirmed at a time: a gate needs three slots, or must ignore the `commit` of a renewal
 * whose slot it has armed again. Both methods are called where keepalives are sent and received, so they must be quick; what
 * they throw is logged.
 */
export interface LeaseGate {
  /**
   * Called before a keepalive is sent: starts the time `openForMs` of a slot that is not in use. The lease of the store
   * begins later, so the gate never stays open longer than the lease. If it throws, `commit` is not called for this renewal.
   */
  arm(renewal: Renewal): void;
  /** Called when the keepalive was confirmed before the session's deadline: packets pass by the slot that was armed for it. */
  commit(renewal: Renewal): void;
}

/** Calls the gate of a session around its keepalives. */
export class GateCalls {
  readonly #gate: LeaseGate;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(gate: LeaseGate, clock: Clock, logger: Logger) {
    this.#gate = gate;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `undefined` if the gate failed. */
  arm(session: SessionId, ttlMs: number): Renewal | undefined {
    const sentMono = this.#clock.monoMs();
    const openForMs = ttlMs - marginMs(ttlMs);
    const renewal = { session, sentMono, openForMs, deadlineMono: sentMono + openForMs };
    return this.#call('arm', renewal) ? renewal : undefined;
  }

  commit(renewal: Renewal): void {
    this.#call('commit', renewal);
  }

  #call(method: keyof LeaseGate, renewal: Renewal): boolean {
    try {
      this.#gate[method](renewal);
      return true;
    } catch (err) {
      this.#logger.error({ session: renewal.session, method, err }, 'gate failed');
      return false;
    }
  }
}
