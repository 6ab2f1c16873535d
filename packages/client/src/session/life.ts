import type { Epoch, OwnershipLostCallback } from '@mgm/protocol';
import { backoffMs } from '../rpc/backoff.ts';
import type { MissedCallbacks } from './callback-desk.ts';
import type { CallbackFailure, CallbackHandlers } from './callbacks.ts';
import type { Context } from '../rpc/context.ts';
import type { Emitter } from './emitter.ts';
import { isMgmError, type MgmError } from '../errors.ts';
import { keyText } from '../interfaces/key.ts';
import { HeldSignal } from './held-signal.ts';
import type { HeldInterface } from '../ownership.ts';
import { recover, type RecoveryPlan } from './recovery.ts';
import type { Registered, Registrant, Registrar } from './register.ts';
import { Registration, type Loss, type RegistrationOwner } from './registration.ts';
import type { SessionEvents } from './events.ts';
import { beingRecovered, sessionLost, type LossCause } from './errors.ts';
import { pause } from '../rpc/waiting.ts';
import { whyLost, type Verdict } from './loss.ts';

/**
 * When a lost session is registered again by itself.
 *
 * - `'service-loss'` (default): where nobody wanted it: the store lost its memory and with it the session, or nobody could
 *   be reached until the deadline and the session is still there. Then it is resumed, with all it has.
 * - `true`: also where the lease ran out, on this side or at the store.
 * - `false`: never.
 *
 * What was the matter is asked from the store's log of changes. A session that was evicted or taken over is never
 * registered again: somebody decided that.
 */
export type Reregister = boolean | 'service-loss';

export interface LifePlan {
  readonly context: Context;
  readonly registrar: Registrar;
  readonly registrant: Registrant;
  readonly handlers: CallbackHandlers;
  readonly reregister: Reregister;
  /** How long to try. */
  readonly reregisterWithinMs: number;
  readonly events: Emitter<SessionEvents>;
}

/** So many attempts to learn what became of a session fit into its lease. */
const ATTEMPTS_PER_LEASE = 6;

/**
 * What a caller knows as one session: a registration, and after its loss maybe another.
 *
 * - LIVE: has a registration that is not lost.
 * - LIVE → RECOVERING when it is lost for a cause that {@link Reregister} covers. All ownerships are over. Calls are
 *   refused (`session-lost`, retryable).
 * - RECOVERING → LIVE when registered again: `recovered`, with new ownerships for what could be taken again. Those of
 *   before stay over.
 * - RECOVERING → OVER when the store turns out to be well, the manager refuses, or the time for trying is up.
 * - LIVE → OVER when it is lost for another cause, deregistered, orphaned, or the client is closed.
 *
 * OVER is for good: `signal` fires, `ended` is told. A loss while RECOVERING, of the new registration, is part of that
 * recovery: it begins anew with what was wanted first.
 */
export class SessionLife implements RegistrationOwner {
  readonly handlers: CallbackHandlers;
  readonly #plan: LifePlan;
  readonly #signal = new HeldSignal(() => this.check());
  readonly #recovery = new AbortController();
  #registration: Registration | undefined;
  #state: 'live' | 'recovering' | 'over' = 'live';
  #ended: MgmError | undefined;
  /** The loss of a registration that a recovery has just made. */
  #lostMeanwhile: Loss | undefined;

  constructor(plan: LifePlan) {
    this.#plan = plan;
    this.handlers = plan.handlers;
  }

  get signal(): AbortSignal {
    return this.#signal.signal;
  }

  get state(): 'live' | 'jeopardy' | 'recovering' | 'over' {
    this.check();
    if (this.#state !== 'live' || !this.#registration) return this.#state;
    return this.#registration.state === 'jeopardy' ? 'jeopardy' : 'live';
  }

  /** Why it is over; `undefined` before. */
  get ended(): MgmError | undefined {
    this.check();
    return this.#ended;
  }

  /** The registration there is, or was last. */
  get registration(): Registration {
    if (!this.#registration) throw new TypeError('the session has not begun');
    return this.#registration;
  }

  /** Makes it notice a deadline that has passed. */
  check(): void {
    if (this.#state === 'live') this.#registration?.check();
  }

  /** The registration to act with. Throws {@link MgmError} `session-lost`. */
  current(): Registration {
    this.check();
    if (this.#ended) throw this.#ended;
    if (this.#state === 'recovering' || !this.#registration) throw beingRecovered();
    return this.#registration;
  }

  begin(registered: Registered): Registration {
    const { context } = this.#plan;
    const registration = new Registration(context, registered, this);
    this.#registration = registration;
    this.#lostMeanwhile = undefined;
    registration.begin();
    return registration;
  }

  /** No recovery, or no longer: over now. */
  end(cause: LossCause): void {
    if (this.#state === 'live') this.#registration?.lose(cause);
    else this.#finish(sessionLost(cause));
  }

  linkUp(): void {
    if (this.#state === 'live') this.#registration?.linkUp();
  }

  onLost(loss: Loss): void {
    if (this.#state === 'recovering') this.#lostMeanwhile = loss;
    if (this.#state !== 'live') return;
    const { context, events, registrant } = this.#plan;
    const recovering = this.#mayRecover(loss.cause);
    const { cause, reason } = loss;
    const { protocolId, componentId } = registrant;
    const fields = { router: context.router, protocolId, componentId, cause, recovering };
    context.logger[isLeaving(cause) ? 'info' : 'warn'](fields, 'session over');
    const interfaces = loss.held.map(({ key }) => key);
    if (!isLeaving(cause)) events.emit('lost', { cause, reason, interfaces, recovering });
    if (!recovering) return this.#finish(reason);
    this.#state = 'recovering';
    void this.#recover(loss);
  }

  onJeopardy(deadlineMono: number): void {
    this.#plan.events.emit('jeopardy', { deadlineInMs: this.#inMs(deadlineMono) });
  }

  onSafe(deadlineMono: number): void {
    this.#plan.events.emit('safe', { deadlineInMs: this.#inMs(deadlineMono) });
  }

  onOwnershipLost(ownership: HeldInterface, { cause, why }: OwnershipLostCallback): void {
    const { router, logger } = this.#plan.context;
    const { ifIndex, nextHop, epoch } = ownership;
    logger.warn({ router, ifIndex, nextHop, epoch, cause, why }, 'ownership lost');
    this.#plan.events.emit('ownership-lost', { ownership, cause, why });
  }

  onCallbackFailure(failure: CallbackFailure): void {
    const { seq, type } = failure.callback;
    const { error: err, attempt, willRetry } = failure;
    this.#plan.context.logger.error(
      { seq, type, err, attempt, willRetry },
      'callback handler failed',
    );
    this.#plan.events.emit('callback-error', failure);
  }

  onCallbacksMissed(missed: MissedCallbacks): void {
    this.#plan.events.emit('callbacks-missed', missed);
  }

  /** Whether it is worth asking what was the matter. */
  #mayRecover(cause: LossCause): boolean {
    const { reregister } = this.#plan;
    return !isLeaving(cause) && cause !== 'evicted' && reregister !== false;
  }

  #isCovered(verdict: Verdict): boolean {
    if (verdict === 'ran-out') return this.#plan.reregister === true;
    return verdict !== 'decided';
  }

  async #recover(loss: Loss): Promise<void> {
    const { context, reregisterWithinMs } = this.#plan;
    const patience = {
      endsMono: context.clock.monoMs() + reregisterWithinMs,
      attemptMs: Math.min(context.timeoutMs, loss.ttlMs / ATTEMPTS_PER_LEASE),
      signal: this.#recovery.signal,
    };
    try {
      const verdict = await whyLost(context, loss, patience);
      if (!this.#isCovered(verdict)) return this.#finish(loss.reason);
      const begin = (registered: Registered): Registration => this.begin(registered);
      const { session: former, held } = loss;
      const wanted = held.map(({ key }) => key);
      const had = stillHad(loss, verdict);
      const plan = { ...this.#plan, ...patience, verdict, former, wanted, had, begin };
      this.#recovered(await recoverUntil(plan));
    } catch (error) {
      if (!isMgmError(error)) throw error;
      this.#finish(sessionLost(loss.cause, `not to be had back: ${error.message}`));
    }
  }

  #recovered({ registration, regained, missing }: Awaited<ReturnType<typeof recover>>): void {
    if (this.#state !== 'recovering') return endQuietly(registration);
    this.#state = 'live';
    const { context, events } = this.#plan;
    const { session } = registration;
    const counts = { regained: regained.length, missing: missing.length };
    context.logger.info({ router: context.router, session, ...counts }, 'session recovered');
    events.emit('recovered', { session, regained, missing });
    if (this.#lostMeanwhile) this.onLost(this.#lostMeanwhile);
  }

  #finish(reason: MgmError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#ended = reason;
    this.#recovery.abort(reason);
    this.#signal.abort(reason);
    this.#plan.events.emit('ended', { reason });
  }

  #inMs(mono: number): number {
    return Math.max(0, mono - this.#plan.context.clock.monoMs());
  }
}

/**
 * What was held until the store forgot it, and so by nobody else: not where the lease was over on this side, for then
 * somebody may have been granted it before the store forgot that, too.
 */
function stillHad({ cause, held }: Loss, verdict: Verdict): ReadonlyMap<string, Epoch> {
  if (verdict !== 'forgotten' || cause === 'deadline') return new Map();
  return new Map(held.map(({ key, epoch }) => [keyText(key), epoch]));
}

/** Losses that the user of the session caused. */
function isLeaving(cause: LossCause): boolean {
  return cause === 'deregistered' || cause === 'orphaned' || cause === 'closed';
}

/** Nobody wants the session any more that a recovery has just made. */
function endQuietly(registration: Registration): void {
  // It holds nothing that anybody acts on; if this fails, its lease runs out.
  void registration.deregister(true, {}).catch(() => {});
}

/** A registration that is lost while it is being filled is made once more. */
async function recoverUntil(plan: RecoveryPlan): ReturnType<typeof recover> {
  const { context, endsMono, signal } = plan;
  for (let attempt = 1; ; attempt++) {
    try {
      return await recover(plan);
    } catch (error) {
      const lostAgain = isMgmError(error, 'session-lost') && !signal.aborted;
      if (!lostAgain || context.clock.monoMs() >= endsMono) throw error;
      await pause(context.clock, backoffMs(attempt), signal);
    }
  }
}
