import type { Cause, InterfaceKey, SessionId } from '@mgm/protocol';
import type { MissedCallbacks } from './callback-desk.ts';
import type { CallbackFailure } from './callbacks.ts';
import type { MgmError } from '../errors.ts';
import type { Ownership } from '../ownership.ts';
import type { MissingInterface } from './recovery.ts';
import type { LossCause } from './errors.ts';

/** What a session tells its listeners. They are called when the code that is running has returned. */
export interface SessionEvents {
  /** Two thirds of the lease passed without an answer. Everything is still held. */
  readonly jeopardy: { readonly deadlineInMs: number };
  /** A keepalive was answered in time after all. */
  readonly safe: { readonly deadlineInMs: number };
  /**
   * The session is lost, not given up, and with it everything it owned; the signals of all ownerships have fired.
   * `recovering`: it is going to be registered again, if that turns out to be right; `recovered` or `ended` follows.
   */
  readonly lost: {
    readonly cause: LossCause;
    readonly reason: MgmError;
    readonly interfaces: readonly InterfaceKey[];
    readonly recovering: boolean;
  };
  /** Registered again, under a new number. What was owned before has new ownerships with new epochs, or is `missing`. */
  readonly recovered: {
    readonly session: SessionId;
    readonly regained: readonly Ownership[];
    readonly missing: readonly MissingInterface[];
  };
  /** The session is over for good, and its `signal` has fired. The last event. */
  readonly ended: { readonly reason: MgmError };
  /** The manager took one interface away; its signal has fired. */
  readonly 'ownership-lost': {
    readonly ownership: Ownership;
    readonly cause: Cause;
    readonly why: string | undefined;
  };
  /** A callback handler failed. */
  readonly 'callback-error': CallbackFailure;
  /** Callbacks are gone from the mailbox that this side never saw. */
  readonly 'callbacks-missed': MissedCallbacks;
}

/** Listeners that are there from the start. */
export type SessionListeners = {
  readonly [Name in keyof SessionEvents]?: (event: SessionEvents[Name]) => void;
};
