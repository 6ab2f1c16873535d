import type { CallbackMessage, IgmpCallback, OwnershipLostCallback } from '@mgm/protocol';
import { backoffMs } from '../rpc/backoff.ts';
import type { Clock } from '../rpc/clock.ts';
import { pause } from '../rpc/waiting.ts';

/** Handles one callback. The next one waits until it returned, or its promise settled. */
export type CallbackHandler<Callback> = (callback: Callback) => void | Promise<void>;

/**
 * What a worker does when the manager calls back. Wire contract section 4. One at a time and in order per session, each
 * exactly once. While handling a callback any call may be made, also on the same interface.
 */
export interface CallbackHandlers {
  /** For IGMP: a routing protocol is about to take or has just lost the interface (nc-mgm-pmgm_disable_igmp_callback). */
  readonly onDisableIgmp?: CallbackHandler<IgmpCallback> | undefined;
  /** For IGMP: the change is done, memberships may be added again (nc-mgm-pmgm_enable_igmp_callback). */
  readonly onEnableIgmp?: CallbackHandler<IgmpCallback> | undefined;
  /**
   * One interface was taken away while the session lives on. Its `Ownership` is over before this is called, and before
   * callbacks that wait ahead of this one are. A session that is lost tells so by its `lost` event instead.
   */
  readonly onOwnershipLost?: CallbackHandler<OwnershipLostCallback> | undefined;
}

/** A handler failed. Reported as an event; nothing is skipped in silence. */
export interface CallbackFailure {
  readonly callback: CallbackMessage;
  readonly error: unknown;
  /** The number of the try: 1, 2, 3. */
  readonly attempt: number;
  /** False: it counts as handled now, and the next callback follows. */
  readonly willRetry: boolean;
}

export interface HandlingContext {
  readonly clock: Clock;
  readonly failed: (failure: CallbackFailure) => void;
  /** Whether the session is over: then no handler is called again. */
  readonly isOver: () => boolean;
}

/** How often a handler that fails is called for one callback. */
const HANDLER_ATTEMPTS = 3;

/**
 * Calls the handler for one callback until it succeeds, with a growing pause, {@link HANDLER_ATTEMPTS} times at most: a
 * callback that can't be handled must not keep the others from ever being seen.
 */
export async function handleCallback(
  handlers: CallbackHandlers,
  callback: CallbackMessage,
  { clock, failed, isOver }: HandlingContext,
): Promise<void> {
  for (let attempt = 1; !isOver(); attempt++) {
    try {
      return await runHandler(handlers, callback);
    } catch (error) {
      const willRetry = attempt < HANDLER_ATTEMPTS;
      failed({ callback, error, attempt, willRetry });
      if (!willRetry) return;
    }
    await pause(clock, backoffMs(attempt));
  }
}

async function runHandler(handlers: CallbackHandlers, callback: CallbackMessage): Promise<void> {
  switch (callback.type) {
    case 'DISABLE_IGMP':
      return await handlers.onDisableIgmp?.(callback);
    case 'ENABLE_IGMP':
      return await handlers.onEnableIgmp?.(callback);
    case 'OWNERSHIP_LOST':
      return await handlers.onOwnershipLost?.(callback);
  }
}
