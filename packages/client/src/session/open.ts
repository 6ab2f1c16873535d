import { MgmError } from '../errors.ts';
import type { CallOptions } from '../options.ts';
import { requestGranted, type Context } from '../rpc/context.ts';
import { Session } from '../session.ts';
import {
  Emitter,
  type CallbackHandlers,
  type SessionEvents,
  type SessionListeners,
} from './events.ts';
import { SessionLife, type Reregister } from './life.ts';
import type { Registrant, Registrar } from './register.ts';

/** How to register a protocol. `signal`, `timeoutMs` and `deadlineMs` limit the registration itself. */
export interface ProtocolOptions extends Registrant, CallbackHandlers, CallOptions {
  /** When a lost session is registered again automatically. Default `'service-loss'`. */
  readonly reregister?: Reregister | undefined;
  /** How long that is tried, in ms. Default 300000. */
  readonly reregisterWithinMs?: number | undefined;
  /** Whether takes and releases issued in one turn of the event loop share a request. Default true. */
  readonly gather?: boolean | undefined;
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
      await registration.adopt({ signal, timeoutMs, deadlineMs: endsMono - clock.monoMs() });
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
  return new SessionLife({
    context,
    registrar,
    registrant: registrantOf(options),
    handlers: { onDisableIgmp, onEnableIgmp, onOwnershipLost },
    reregister: options.reregister ?? 'service-loss',
    reregisterWithinMs: options.reregisterWithinMs ?? REREGISTER_WITHIN_MS,
    events,
  });
}

function registrantOf(options: ProtocolOptions): Registrant {
  const { protocolId, componentId, name, ttlMs, graceMs, takeover } = options;
  return { protocolId, componentId, name, ttlMs, graceMs, takeover };
}

function listenAll(events: Emitter<SessionEvents>, listeners: SessionListeners): void {
  const listen = <Name extends keyof SessionEvents>(name: Name): void => {
    const listener = listeners[name];
    if (listener) events.on(name, listener);
  };
  listen('jeopardy');
  listen('safe');
  listen('lost');
  listen('recovered');
  listen('ended');
  listen('ownership-lost');
  listen('callback-error');
  listen('callbacks-missed');
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
