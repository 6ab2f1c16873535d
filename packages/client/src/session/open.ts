import { badRequest, MgmError } from '../errors.ts';
import { alertTypesOf } from '../membership/alerts.ts';
import type { CallOptions } from '../options.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { Session } from '../session.ts';
import {
  Emitter,
  type CallbackHandlers,
  type SessionEvents,
  type SessionListeners,
} from './events.ts';
import { KEEPALIVES_PER_LEASE, type LeaseGate } from './keepalive.ts';
import { SessionLife, type Reregister } from './life.ts';
import type { Registering, Registrant, Registrar } from './register.ts';

/** How to register a protocol. `signal`, `timeoutMs` and `deadlineMs` limit the registration itself. */
export interface ProtocolOptions extends Registrant, CallbackHandlers, CallOptions {
  /** When a lost session is registered again automatically. Default `'service-loss'`. */
  readonly reregister?: Reregister | undefined;
  /** How long that is tried, in ms. Default 300000. */
  readonly reregisterWithinMs?: number | undefined;
  /** Whether takes and releases issued in one turn of the event loop share a request. Default true. */
  readonly gather?: boolean | undefined;
  /**
   * Whether the memberships on record are added again after an IGMP window and after a recovery. Default true. What can't
   * be added again is reported by the session event `memberships-lost`.
   */
  readonly readdMemberships?: boolean | undefined;
  /**
   * How long the PRUNE alerts of an IGMP window are held back, in ms: 0 to 60000, default 1000; 0 switches it off. If the
   * entry is joined again within that time, no handler is called for either.
   */
  readonly windowHoldMs?: number | undefined;
  /**
   * How often a keepalive is sent, in ms: 100 to a third of `ttlMs`, which is the default. For a gate or a forwarder that
   * must stop earlier than the lease runs out.
   */
  readonly keepaliveEveryMs?: number | undefined;
  /** A gate outside of this process, for example in the kernel, that is open only while the session may act. */
  readonly gate?: LeaseGate | undefined;
  /** Listeners that are registered before the first event. */
  readonly on?: SessionListeners | undefined;
}

const REREGISTER_WITHIN_MS = 300_000;

export interface OpenedSession {
  readonly session: Session;
  readonly life: SessionLife;
}

/** Registers and, if a former session is resumed, reads what was inherited. See `Mgm.registerProtocol`. */
export async function openSession(
  context: Context,
  registrar: Registrar,
  options: ProtocolOptions,
): Promise<OpenedSession> {
  const { clock } = context;
  const endsMono = clock.monoMs() + (options.deadlineMs ?? context.deadlineMs);
  const events = new Emitter<SessionEvents>(context.logger);
  listenAll(events, options.on ?? {});
  const life = newLife(context, registrar, options, events);
  const registration = life.begin(await registrar.register(registrantOf(options), options));
  if (registration.resumed) {
    try {
      const { signal, timeoutMs } = options;
      const limits = { signal, timeoutMs };
      await registration.adopt({ ...limits, deadlineMs: endsMono - clock.monoMs() });
      const leftMs = Math.max(1, endsMono - clock.monoMs());
      await Promise.all([
        life.upkeep.adopt(registration, { ...limits, deadlineMs: leftMs }),
        life.routes.adopt(registration, { ...limits, deadlineMs: leftMs }),
      ]);
    } catch (error) {
      // Registered, but its interfaces are unknown: its lease runs out, so that the next session inherits them.
      life.end('orphaned');
      throw error;
    }
  }
  void learnLog(context);
  const { protocolId, componentId } = options;
  const gathers = options.gather ?? true;
  const { session } = registration;
  context.logger.info(
    { router: context.router, session, protocolId, componentId },
    'session registered',
  );
  return {
    life,
    session: new Session(context, life, { protocolId, componentId, events, gathers }),
  };
}

function newLife(
  context: Context,
  registrar: Registrar,
  options: ProtocolOptions,
  events: Emitter<SessionEvents>,
): SessionLife {
  const { onDisableIgmp, onEnableIgmp, onOwnershipLost } = options;
  const { onJoinAlert, onPruneAlert, onLocalJoin, onLocalLeave, onResync } = options;
  const alertHandlers = { onJoinAlert, onPruneAlert, onLocalJoin, onLocalLeave, onResync };
  const { onRpf, onCreationAlert, onWrongIf } = options;
  const questionHandlers = { onRpf, onCreationAlert, onWrongIf };
  return new SessionLife({
    context,
    registrar,
    registrant: registrantOf(options),
    handlers: {
      ...{ onDisableIgmp, onEnableIgmp, onOwnershipLost },
      ...alertHandlers,
      ...questionHandlers,
    },
    readdMemberships: options.readdMemberships ?? true,
    windowHoldMs: windowHoldMsOf(options),
    gate: options.gate,
    keepaliveEveryMs: keepaliveEveryMsOf(options),
    reregister: options.reregister ?? 'service-loss',
    reregisterWithinMs: options.reregisterWithinMs ?? REREGISTER_WITHIN_MS,
    events,
  });
}

function registrantOf(options: ProtocolOptions): Registering {
  const { protocolId, componentId, name, ttlMs, graceMs, takeover } = options;
  const types = alertTypesOf(options);
  const alerts = types.length > 0 ? types : undefined;
  return { protocolId, componentId, name, ttlMs, graceMs, takeover, alerts };
}

const WINDOW_HOLD_MS = 1_000;
const WINDOW_HOLD_MAX_MS = 60_000;

function windowHoldMsOf({ windowHoldMs = WINDOW_HOLD_MS }: ProtocolOptions): number {
  if (windowHoldMs >= 0 && windowHoldMs <= WINDOW_HOLD_MAX_MS) return windowHoldMs;
  const message = `windowHoldMs: must be 0 to ${WINDOW_HOLD_MAX_MS} ms`;
  throw badRequest(message, 'windowHoldMs', { operation: 'register' });
}

const DEFAULT_TTL_MS = 10_000;
const KEEPALIVE_MIN_MS = 100;

function keepaliveEveryMsOf({
  keepaliveEveryMs,
  ttlMs = DEFAULT_TTL_MS,
}: ProtocolOptions): number | undefined {
  if (keepaliveEveryMs === undefined) return undefined;
  const most = ttlMs / KEEPALIVES_PER_LEASE;
  if (keepaliveEveryMs >= KEEPALIVE_MIN_MS && keepaliveEveryMs <= most) return keepaliveEveryMs;
  const message = `keepaliveEveryMs: must be ${KEEPALIVE_MIN_MS} ms to a third of \`ttlMs\``;
  throw badRequest(message, 'keepaliveEveryMs', { operation: 'register' });
}

function listenAll<Events extends object>(
  events: Emitter<Events>,
  listeners: { readonly [Name in keyof Events]?: ((event: Events[Name]) => void) | undefined },
): void {
  for (const name in listeners) {
    const listener = listeners[name];
    if (listener) events.on(name, listener);
  }
}

/** Records which event log the store has now, to detect a loss of data later. */
async function learnLog(context: Context): Promise<void> {
  if (context.store.isKnown) return;
  try {
    const revBefore = context.store.rev;
    context.store.compare(await requestGranted(context, 'interfaces', { limit: 1 }), revBefore);
  } catch (error) {
    if (!(error instanceof MgmError)) throw error;
    context.logger.debug({ router: context.router, message: error.message }, 'log not known yet');
  }
}
