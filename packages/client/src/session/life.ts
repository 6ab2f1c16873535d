import type { Epoch } from '@mgm/protocol';
import { isMgmError, type MgmError } from '../errors.ts';
import { keyText, SettingsRecord } from '../interfaces/refs.ts';
import { MembershipRecord } from '../membership/record.ts';
import { MembershipUpkeep } from '../membership/upkeep.ts';
import { HeldSignal, type HeldInterface } from '../ownership.ts';
import type { Context } from '../rpc/context.ts';
import { RouteUpkeep } from '../view/upkeep.ts';
import { beingRecovered, isIntended, sessionLost } from './events.ts';
import type { CallbackHandlers, Emitter, Loss, LossCause, SessionEvents } from './events.ts';
import type { LeaseGate } from './keepalive.ts';
import {
  diagnoseLoss,
  recover,
  type Recovered,
  type RecoveryLimits,
  type Verdict,
} from './recovery.ts';
import type { Registered, Registering, Registrar } from './register.ts';
import { Registration } from './registration.ts';

/**
 * When a lost session is registered again automatically.
 *
 * - `'service-loss'` (default): only if the service failed: the store lost its data and with it the session, or no manager
 *   answered until the deadline and the session still exists. Then it is resumed, with all it holds.
 * - `true`: also if the lease ran out, on this side or at the store.
 * - `false`: never.
 *
 * The cause is read from the store's event log. A session that was evicted or taken over is never registered again:
 * that was a decision.
 */
export type Reregister = boolean | 'service-loss';

export interface LifeOptions {
  readonly context: Context;
  readonly registrar: Registrar;
  readonly registrant: Registering;
  readonly handlers: CallbackHandlers;
  readonly reregister: Reregister;
  /** How long a recovery may take, in ms. */
  readonly reregisterWithinMs: number;
  readonly readdMemberships: boolean;
  readonly windowHoldMs: number;
  readonly gate: LeaseGate | undefined;
  readonly keepaliveEveryMs: number | undefined;
  readonly events: Emitter<SessionEvents>;
}

/** Losses after which a session is never registered again. */
const FINAL: ReadonlySet<LossCause> = new Set(['evicted', 'takeover', 'disconnected']);

/** How long changes of the forwarding plane are collected before a keepalive reports them. */
const PROGRAMMED_WITHIN_MS = 500;

/** How many attempts of a recovery fit into the lease. */
const ATTEMPTS_PER_LEASE = 6;

/**
 * What a caller sees as one session: a registration, and after its loss possibly another.
 *
 * - LIVE: has a registration that is not lost.
 * - LIVE → RECOVERING when it is lost for a cause that {@link Reregister} covers. All ownerships are over. Calls are
 *   refused (`session-lost`, retryable).
 * - RECOVERING → LIVE when registered again: `recovered`, with new ownerships for what could be taken again. The earlier
 *   ones stay over.
 * - RECOVERING → OVER when the event log shows a cause that is not covered, a manager refuses, or the time is up.
 * - LIVE → OVER when it is lost for another cause, deregistered, orphaned, or the client is closed.
 *
 * OVER is final: `signal` fires, `ended` is emitted. A loss of the new registration while RECOVERING is part of that
 * recovery, which starts over with what was wanted first.
 */
export class SessionLife {
  /** What was added and not deleted, as far as replies have told. */
  readonly memberships = new MembershipRecord();
  /** The settings of its interfaces, likewise. */
  readonly settings = new SettingsRecord();
  readonly upkeep: MembershipUpkeep;
  /** What was set and not deleted, and how it is set again. */
  readonly routes: RouteUpkeep;
  /** Skipped callbacks of unknown types. */
  unknownCallbacks = 0;
  readonly #options: LifeOptions;
  readonly #signal = new HeldSignal(() => this.check());
  readonly #recovery = new AbortController();
  #programmed: number | undefined;
  #registration: Registration | undefined;
  #state: 'live' | 'recovering' | 'over' = 'live';
  #ended: MgmError | undefined;
  /** The loss of the registration that the present recovery has made. */
  #lostMeanwhile: Loss | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    const { context, events, readdMemberships } = options;
    const { memberships: record, settings } = this;
    const readds = readdMemberships;
    this.upkeep = new MembershipUpkeep({ context, record, settings, events, readds });
    this.routes = new RouteUpkeep(context);
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

  /** The present registration, or the last one. */
  get registration(): Registration {
    if (!this.#registration) throw new TypeError('the session has not begun');
    return this.#registration;
  }

  /** Notices a deadline that has passed. */
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

  /** Every change of forwarding entries up to it is in the forwarding plane. */
  reportProgrammed(frev: number): void {
    if (frev === this.#programmed) return;
    this.#programmed = frev;
    if (this.#state === 'live') this.#registration?.keepAlive(PROGRAMMED_WITHIN_MS);
  }

  begin(registered: Registered): Registration {
    const { context, handlers, events, windowHoldMs, gate, keepaliveEveryMs } = this.#options;
    const registration: Registration = new Registration(context, registered, {
      ...{ gate, keepaliveEveryMs, programmed: () => this.#programmed },
      handlers,
      events,
      memberships: this.memberships,
      settings: this.settings,
      routes: this.routes.record,
      onRoutesLost: (routes, error) => {
        const { message } = error;
        context.logger.warn(
          { router: context.router, message, count: routes.length },
          'routes lost',
        );
        events.emit('routes-lost', { routes, error });
      },
      windowHoldMs,
      onIgmp: (callback) => this.upkeep.onIgmp(callback),
      onIgmpHandled: (callback) => this.upkeep.onIgmpHandled(callback, registration),
      onUnknownCallback: () => void this.unknownCallbacks++,
      mayRecover: (cause) => this.#mayRecover(cause),
      onLost: (loss) => this.#onLost(loss),
    });
    this.#registration = registration;
    this.#lostMeanwhile = undefined;
    registration.begin();
    return registration;
  }

  /** Over, without or instead of a recovery. */
  end(cause: LossCause): void {
    if (this.#state === 'live') this.#registration?.lose(cause);
    else this.#finish(sessionLost(cause));
  }

  linkUp(): void {
    if (this.#state === 'live') this.#registration?.linkUp();
  }

  #onLost(loss: Loss): void {
    if (this.#state === 'recovering') this.#lostMeanwhile = loss;
    if (this.#state !== 'live') return;
    const { context, events, registrant } = this.#options;
    const recovering = this.#mayRecover(loss.cause);
    const { cause, reason } = loss;
    const { protocolId, componentId } = registrant;
    const fields = { router: context.router, protocolId, componentId, cause, recovering };
    context.logger[isIntended(cause) ? 'info' : 'warn'](fields, 'session over');
    const interfaces = loss.held.map(({ key }) => key);
    if (!isIntended(cause)) events.emit('lost', { cause, reason, interfaces, recovering });
    if (!recovering) return this.#finish(reason);
    this.#state = 'recovering';
    this.upkeep.lost();
    this.routes.lost();
    void this.#recover(loss);
  }

  /** Whether the event log may show a cause that is covered. */
  #mayRecover(cause: LossCause): boolean {
    const { reregister } = this.#options;
    return !isIntended(cause) && !FINAL.has(cause) && reregister !== false;
  }

  #isCovered(verdict: Verdict): boolean {
    if (verdict === 'lease-expired') return this.#options.reregister === true;
    return verdict !== 'ended';
  }

  async #recover(loss: Loss): Promise<void> {
    const { context, reregisterWithinMs } = this.#options;
    const limits: RecoveryLimits = {
      endsMono: context.clock.monoMs() + reregisterWithinMs,
      attemptMs: Math.min(context.timeoutMs, loss.ttlMs / ATTEMPTS_PER_LEASE),
      signal: this.#recovery.signal,
    };
    try {
      const verdict = await diagnoseLoss(context, loss, limits);
      if (!this.#isCovered(verdict)) return this.#finish(loss.reason);
      const recovered = await recover({
        ...this.#options,
        ...limits,
        verdict,
        former: loss.session,
        wanted: loss.held.map(({ key }) => key),
        had: stillHad(loss, verdict),
        settings: this.settings,
        begin: (registered) => this.begin(registered),
      });
      this.#recovered(recovered);
    } catch (error) {
      if (!isMgmError(error)) throw error;
      this.#finish(sessionLost(loss.cause, `recovery failed: ${error.message}`));
    }
  }

  #recovered({ registration, regained, inherited, missing }: Recovered): void {
    if (this.#state !== 'recovering') return endQuietly(registration);
    this.#state = 'live';
    const { context, events } = this.#options;
    const { session } = registration;
    const counts = { regained: regained.length, missing: missing.length };
    context.logger.info({ router: context.router, session, ...counts }, 'session recovered');
    events.emit('recovered', { session, regained, missing });
    if (this.#lostMeanwhile) return this.#onLost(this.#lostMeanwhile);
    void this.#restore(registration, regained, inherited);
  }

  /** Sets the recorded settings and routes and adds the memberships again, then reports the recovery to the handlers. */
  async #restore(
    registration: Registration,
    regained: readonly HeldInterface[],
    inherited: readonly HeldInterface[],
  ): Promise<void> {
    const kept = new Set(inherited);
    const taken = regained.filter((held) => !kept.has(held));
    await Promise.all([
      this.routes.restore(registration),
      this.upkeep.restore(registration, {
        inherited: inherited.map(({ key }) => key),
        taken: taken.map(({ key }) => key),
      }),
    ]);
    registration.recovered();
  }

  #finish(reason: MgmError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#ended = reason;
    this.#recovery.abort(reason);
    this.upkeep.end(reason);
    this.routes.end(reason);
    this.#signal.abort(reason);
    this.#options.events.emit('ended', { reason });
  }
}

/**
 * The epochs of what was held until the store lost its data. None if the lease was over on this side: another client may
 * have been granted the interfaces before the store lost that, too.
 */
function stillHad({ cause, held }: Loss, verdict: Verdict): ReadonlyMap<string, Epoch> {
  if (verdict !== 'data-lost' || cause === 'deadline') return new Map();
  return new Map(held.map(({ key, epoch }) => [keyText(key), epoch]));
}

/** The session was ended while a recovery registered it again. */
function endQuietly(registration: Registration): void {
  // No caller acts on its interfaces; if this fails, the lease runs out.
  void registration.deregister(true, {}).catch(() => {});
}
