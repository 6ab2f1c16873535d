import type {
  CallbackMessage,
  Cause,
  IgmpCallback,
  InterfaceKey,
  OwnershipLostCallback,
  SessionId,
} from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import type { QuestionHandlers } from '../forwarding/questions.ts';
import type { HeldSettings } from '../interfaces/refs.ts';
import type { AlertHandlers, AlertItem, Resync } from '../membership/alerts.ts';
import type { Membership } from '../membership/refs.ts';
import type { Logger } from '../options.ts';
import type { HeldInterface, Ownership } from '../ownership.ts';
import type { Route } from '../view/refs.ts';

/**
 * Why a session is over.
 *
 * - `deadline`: no keepalive was answered in time.
 * - `expired`: a manager said that the lease ran out.
 * - `evicted`: an operator ended it.
 * - `takeover`: another process registered as the same pair with `takeover`.
 * - `refused`: the manager does not know the handle: ended while this side was cut off, or the store lost its data.
 * - `deregistered`: ended by `deregister`, also by one whose outcome is unknown.
 * - `orphaned`: ended by `orphan`: the lease runs out at the store.
 * - `disconnected`: the NATS connection was closed for good: by its owner, or because it gave up reconnecting.
 * - `closed`: the client was closed.
 */
export type LossCause =
  | 'deadline'
  | 'expired'
  | 'evicted'
  | 'takeover'
  | 'refused'
  | 'deregistered'
  | 'orphaned'
  | 'disconnected'
  | 'closed';

/** An interface that a session held and did not get back in a recovery. */
export interface MissingInterface extends InterfaceKey {
  /** Why; `already-owned` names the present owner in `holder`. */
  readonly error: MgmError;
}

/** Numbers of callbacks that were never received and that the mailbox no longer has. */
export interface MissedCallbacks {
  readonly first: number;
  readonly last: number;
}

/** Handles one callback. The next one waits until it returned, or until its promise settled. */
export type CallbackHandler<Callback> = (callback: Callback) => void | Promise<void>;

/**
 * What a worker does for each callback of a manager. Wire contract section 4. Handlers of a session run one at a time and
 * in order, exactly once per callback; questions come first. A handler may make any call, also on the same interface.
 */
export interface CallbackHandlers extends AlertHandlers, QuestionHandlers {
  /** For IGMP: a routing protocol is about to take, or has just lost, the interface (nc-mgm-pmgm_disable_igmp_callback). */
  readonly onDisableIgmp?: CallbackHandler<IgmpCallback> | undefined;
  /** For IGMP: the change is done, memberships may be added again (nc-mgm-pmgm_enable_igmp_callback). */
  readonly onEnableIgmp?: CallbackHandler<IgmpCallback> | undefined;
  /**
   * One interface was taken away while the session lives on. Its `Ownership` is over before this is called, even before
   * earlier callbacks that are still queued. A session that is lost emits its `lost` event instead.
   */
  readonly onOwnershipLost?: CallbackHandler<OwnershipLostCallback> | undefined;
}

/** A callback handler failed. */
export interface CallbackFailure {
  readonly callback: CallbackMessage | AlertItem | Resync;
  readonly error: unknown;
  /** The number of the attempt: 1, 2, 3. */
  readonly attempt: number;
  /** False after the last attempt: the callback counts as handled, and the next one follows. */
  readonly willRetry: boolean;
}

/** The events of a session. Listeners run when the code that caused the event has returned. */
export interface SessionEvents {
  /** Two thirds of the lease passed without a reply. Everything is still held. */
  readonly jeopardy: { readonly deadlineInMs: number };
  /** A keepalive was answered in time, so the session is safe again. */
  readonly safe: { readonly deadlineInMs: number };
  /**
   * The session was lost, not ended by its user, and with it everything it held; the signals of all ownerships have
   * fired. `recovering`: it is registered again if its cause allows that; `recovered` or `ended` follows.
   */
  readonly lost: {
    readonly cause: LossCause;
    readonly reason: MgmError;
    readonly interfaces: readonly InterfaceKey[];
    readonly recovering: boolean;
  };
  /** Registered again, with a new number. What was held before has new ownerships with new epochs, or is `missing`. */
  readonly recovered: {
    readonly session: SessionId;
    readonly regained: readonly Ownership[];
    readonly missing: readonly MissingInterface[];
  };
  /** The session is over for good, and its `signal` has fired. The last event. */
  readonly ended: { readonly reason: MgmError };
  /** A manager took one interface away; its signal has fired. */
  readonly 'ownership-lost': {
    readonly ownership: Ownership;
    readonly cause: Cause;
    readonly why: string | undefined;
  };
  /**
   * Memberships of one interface that could not be added again after an IGMP window or a recovery, for this reason. They
   * are not on record any more.
   */
  readonly 'memberships-lost': {
    readonly interface: InterfaceKey;
    readonly memberships: readonly Membership[];
    readonly error: MgmError;
  };
  /** Settings of one interface that could not be set again after a recovery. They are not on record any more. */
  readonly 'settings-lost': {
    readonly interface: InterfaceKey;
    readonly settings: HeldSettings;
    readonly error: MgmError;
  };
  /** Routes that could not be set again after a recovery, for this reason. They are not on record any more. */
  readonly 'routes-lost': { readonly routes: readonly Route[]; readonly error: MgmError };
  /** A callback handler failed. */
  readonly 'callback-error': CallbackFailure;
  /** The mailbox no longer has callbacks that this side never received. */
  readonly 'callbacks-missed': MissedCallbacks;
}

/** Listeners that are registered before the first event. */
export type SessionListeners = {
  readonly [Name in keyof SessionEvents]?: (event: SessionEvents[Name]) => void;
};

type Listener<Payload> = (payload: Payload) => void;

/**
 * Listeners by event. They run in a microtask, in the order of the events: code that only reads whether a signal is
 * aborted must not run foreign code. A listener that throws is logged and does not affect the others.
 */
export class Emitter<Events extends object> {
  readonly #logger: Logger;
  readonly #listeners: { [Name in keyof Events]?: Set<Listener<Events[Name]>> } = {};

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` for each event of this name. Returns a function that removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = (this.#listeners[name] ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const listeners = this.#listeners[name];
    if (!listeners || listeners.size === 0) return;
    queueMicrotask(() => {
      for (const listener of [...listeners]) this.#call(name, listener, payload);
    });
  }

  #call<Name extends keyof Events>(
    name: Name,
    listener: Listener<Events[Name]>,
    payload: Events[Name],
  ): void {
    try {
      listener(payload);
    } catch (err) {
      this.#logger.error({ event: name, err }, 'listener failed');
    }
  }
}

/** A registration that is over. */
export interface Loss {
  readonly session: SessionId;
  readonly cause: LossCause;
  /** The revision of the last reply that it got: whatever ended it has a higher one. */
  readonly lastRev: number;
  /** How often the store had lost data when it was registered: another session may find the next loss first. */
  readonly storeLosses: number;
  readonly ttlMs: number;
  readonly reason: MgmError;
  /** What it held until then. */
  readonly held: readonly HeldInterface[];
}

const TEXT: { readonly [Cause in LossCause]: string } = {
  deadline: 'the session was lost: no keepalive was answered before its deadline',
  expired: 'the session was lost: its lease ran out',
  evicted: 'the session was evicted',
  refused: 'the session was lost: the manager does not know it',
  deregistered: 'the session was deregistered',
  orphaned: 'the session was orphaned; its lease runs out at the store',
  takeover: 'the session was taken over by another process',
  disconnected: 'the session was lost: its NATS connection was closed',
  closed: 'the client was closed',
};

export function sessionLost(cause: LossCause, detail = ''): MgmError {
  return sessionOver(detail ? `${TEXT[cause]} (${detail})` : TEXT[cause]);
}

export function beingDeregistered(): MgmError {
  return sessionOver('the session is being deregistered');
}

/** Between two registrations: the same call may succeed soon. */
export function beingRecovered(): MgmError {
  return sessionOver('the session was lost and is being registered again', true);
}

function sessionOver(message: string, retryable = false): MgmError {
  return new MgmError(message, { reason: 'session-lost', outcome: 'not-done', retryable });
}

/** Losses that the user of the session caused. */
export function isIntended(cause: LossCause): boolean {
  return cause === 'deregistered' || cause === 'orphaned' || cause === 'closed';
}
