import type { CallbackMessage } from '@mgm/protocol';
import type { MgmError } from '../errors.ts';
import { handleAlert, type AlertItem, type Resync } from '../membership/alerts.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import type { CallbackHandlers, Emitter, SessionEvents } from './events.ts';
import type { HandlerTurn } from './turn.ts';

/** What a handler is called with: a callback about an interface, one alert, or a notice that alerts are missing. */
export type Handled = CallbackMessage | AlertItem | Resync;

/** A handler that takes longer is logged: it delays all callbacks that follow. */
const SLOW_HANDLER_MS = 10_000;
/** How often a handler that fails is called for one callback. */
const HANDLER_ATTEMPTS = 3;

/** Calls the handlers of a session. A callback that can't be handled must not block the others for ever. */
export class HandlerCalls {
  readonly #context: Context;
  readonly #handlers: CallbackHandlers;
  readonly #events: Emitter<SessionEvents>;
  readonly #over: () => MgmError | undefined;
  readonly #turn: HandlerTurn;

  constructor(
    context: Context,
    handlers: CallbackHandlers,
    events: Emitter<SessionEvents>,
    over: () => MgmError | undefined,
    turn: HandlerTurn,
  ) {
    this.#context = context;
    this.#handlers = handlers;
    this.#events = events;
    this.#over = over;
    this.#turn = turn;
  }

  /** Resolves when the handler returned, failed for the last time, or the session is over. */
  async run(callback: Handled): Promise<void> {
    const { clock, logger, router } = this.#context;
    const cancel = clock.after(SLOW_HANDLER_MS, () => {
      const fields = { router, ...nameOf(callback) };
      logger.warn(fields, 'callback handler takes long; later callbacks wait');
    });
    for (let attempt = 1; !this.#over(); attempt++) {
      try {
        await this.#turn.run('callback', () => runHandler(this.#handlers, callback));
        break;
      } catch (error) {
        const willRetry = attempt < HANDLER_ATTEMPTS;
        this.#failed(callback, error, attempt, willRetry);
        if (!willRetry) break;
      }
      await pause(clock, backoffMs(attempt));
    }
    cancel();
  }

  #failed(callback: Handled, error: unknown, attempt: number, willRetry: boolean): void {
    const fields = { ...nameOf(callback), err: error, attempt, willRetry };
    this.#context.logger.error(fields, 'callback handler failed');
    this.#events.emit('callback-error', { callback, error, attempt, willRetry });
  }
}

function nameOf(callback: Handled): { readonly seq?: number; readonly type: string } {
  if (!('type' in callback)) return { type: 'RESYNC' };
  const { seq, type } = callback;
  return { seq, type };
}

async function runHandler(handlers: CallbackHandlers, callback: Handled): Promise<void> {
  if (!('type' in callback)) return await handlers.onResync?.(callback);
  switch (callback.type) {
    case 'DISABLE_IGMP':
      return await handlers.onDisableIgmp?.(callback);
    case 'ENABLE_IGMP':
      return await handlers.onEnableIgmp?.(callback);
    case 'OWNERSHIP_LOST':
      return await handlers.onOwnershipLost?.(callback);
    default:
      return await handleAlert(handlers, callback);
  }
}
