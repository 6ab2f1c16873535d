import type { InterfaceKey, SessionId } from '@mgm/protocol';
import type { Context } from './rpc/context.ts';
import type { Emitter } from './session/emitter.ts';
import { MgmError, type ErrorPlace } from './errors.ts';
import { SHARED_GROUP } from './interfaces/operation.ts';
import { interfaceKey, interfaceKeys, type InterfaceRef } from './interfaces/key.ts';
import type { CallOptions } from './options.ts';
import type { Ownership } from './ownership.ts';
import type { SessionLife } from './session/life.ts';
import type { SessionEvents } from './session/events.ts';

/** What became of one interface of `takeInterfaces`. */
export type TakeResult = InterfaceKey &
  (
    | { readonly kind: 'taken'; readonly ownership: Ownership }
    | { readonly kind: 'failed'; readonly error: MgmError }
  );

/** What became of one interface of `releaseInterfaces`. */
export type ReleaseResult = InterfaceKey &
  ({ readonly kind: 'released' } | { readonly kind: 'failed'; readonly error: MgmError });

/** `jeopardy`: two thirds of the lease passed unanswered. `recovering`: lost, and being registered again. */
export type SessionState = 'live' | 'jeopardy' | 'recovering' | 'over';

/** How long `await using` waits for a manager to confirm the end: where none does, the lease runs out by itself. */
const DISPOSE_WITHIN_MS = 2_000;

/**
 * A registered protocol: what MGM calls its handle. One timer keeps it alive, whatever it owns.
 *
 * Every method that sends something rejects with {@link MgmError}. `outcome` tells whether the effect may have happened;
 * `session-lost` means that the session is over and nothing was sent, or that an answer came too late to count.
 *
 * `await using session = await mgm.registerProtocol({ … })` deregisters it with the block, by `force`.
 */
export class Session implements AsyncDisposable {
  readonly protocolId: number;
  readonly componentId: number;
  readonly #context: Context;
  readonly #life: SessionLife;
  readonly #events: Emitter<SessionEvents>;
  readonly #gathers: boolean;
  /** For errors. */
  readonly #taking: ErrorPlace;
  readonly #releasing: ErrorPlace;
  #lastGroup = SHARED_GROUP;

  /** @internal */
  constructor(context: Context, life: SessionLife, parts: SessionParts) {
    this.#context = context;
    this.#life = life;
    this.protocolId = parts.protocolId;
    this.componentId = parts.componentId;
    this.#events = parts.events;
    this.#gathers = parts.gathers;
    const { router } = context;
    this.#taking = { operation: 'take', router };
    this.#releasing = { operation: 'release', router };
  }

  /** Its public number, as others see it. Another one after it was `recovered`. */
  get id(): SessionId {
    return this.#life.registration.session;
  }

  /** How long it lives without a keepalive, in ms, as the manager granted it. */
  get ttlMs(): number {
    return this.#life.registration.ttlMs;
  }

  /** How long after that its interfaces are kept for the pair to register again, in ms. */
  get graceMs(): number {
    return this.#life.registration.graceMs;
  }

  /** Whether it began by inheriting what a former session of the pair had; see `ownerships`. */
  get resumed(): boolean {
    return this.#life.registration.resumed;
  }

  /** By the clock as it is now. */
  get state(): SessionState {
    return this.#life.state;
  }

  /**
   * Aborts when the session is over for good; `signal.reason` is an {@link MgmError} `session-lost`. Asking `aborted`
   * compares with the clock first. While the session is `recovering` it has not aborted, but every `Ownership.signal` has.
   */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** For how long the session may still act, in ms, if nothing is heard from a manager any more. 0 once it is lost. */
  get deadlineInMs(): number {
    if (!this.#isLive) return 0;
    const deadlineMono = this.#life.registration.deadlineMono();
    return Math.max(0, deadlineMono - this.#context.clock.monoMs());
  }

  /** What it owns now, by what it was told. After `resumed` this has what was inherited. */
  get ownerships(): readonly Ownership[] {
    return this.#isLive ? [...this.#life.registration.holdings] : [];
  }

  /** Calls `listener` for each event of this name. Returns what ends that. */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Takes an interface (MgmTakeInterfaceOwnership; nf-mgm-mgmtakeinterfaceownership): for a routing protocol it becomes the only
   * owner, for IGMP it is enabled there besides. Operations on one interface happen in the order of the calls.
   *
   * Rejects with {@link MgmError}: `already-owned` (`holder` names the owner), `already-taken` (by this very session),
   * `unavailable`, and the others of wire contract section 2. Where `outcome` is `unknown` (a lost answer, or a caller who
   * gave up after sending) nothing is owned in silence: the session makes sure in the background that the take can't
   * happen any more, and gives back what it may have brought, before the next operation on this interface.
   */
  takeInterfaceOwnership(ref: InterfaceRef, options: CallOptions = {}): Promise<Ownership> {
    return begun(() => {
      const key = interfaceKey(ref, this.#taking);
      return this.#life.current().take(key, this.#group(), options);
    });
  }

  /**
   * Gives an interface back (MgmReleaseInterfaceOwnership; nf-mgm-mgmreleaseinterfaceownership). Its `Ownership` is over from the
   * call on.
   *
   * Rejects with {@link MgmError}: `not-owner` or `not-found` where the session was not on it. Where the outcome is
   * `unknown` the session goes on releasing in the background until a manager confirmed it.
   */
  releaseInterfaceOwnership(ref: InterfaceRef, options: CallOptions = {}): Promise<void> {
    return begun(() => {
      const key = interfaceKey(ref, this.#releasing);
      return this.#life.current().release(key, this.#group(), options);
    });
  }

  /**
   * Takes many interfaces, in requests of up to 256. The results are in the order of `refs`; each interface is decided by
   * itself, and its refusal is a value. Rejects with {@link MgmError} only where nothing was sent: `bad-request` (an
   * interface that can't be one, or named twice), `session-lost`.
   */
  async takeInterfaces(
    refs: readonly InterfaceRef[],
    options: CallOptions = {},
  ): Promise<TakeResult[]> {
    const keys = interfaceKeys(refs, this.#taking);
    const registration = this.#life.current();
    const group = this.#group();
    const takes = keys.map((key) => registration.take(key, group, options));
    const results = await Promise.allSettled(takes);
    return results.map((result, at) => {
      const key = keyAt(keys, at);
      return result.status === 'fulfilled'
        ? { ...key, kind: 'taken', ownership: result.value }
        : { ...key, kind: 'failed', error: failure(result.reason) };
    });
  }

  /** Gives many interfaces back, as {@link takeInterfaces} takes them. */
  async releaseInterfaces(
    refs: readonly InterfaceRef[],
    options: CallOptions = {},
  ): Promise<ReleaseResult[]> {
    const keys = interfaceKeys(refs, this.#releasing);
    const registration = this.#life.current();
    const group = this.#group();
    const releases = keys.map((key) => registration.release(key, group, options));
    const results = await Promise.allSettled(releases);
    return results.map((result, at) => {
      const key = keyAt(keys, at);
      return result.status === 'fulfilled'
        ? { ...key, kind: 'released' }
        : { ...key, kind: 'failed', error: failure(result.reason) };
    });
  }

  /**
   * Ends the session (MgmDeRegisterMProtocol; nf-mgm-mgmderegistermprotocol). Waits for what is under way first.
   *
   * Rejects with {@link MgmError} `owns-interfaces` where it still owns something; then it goes on as before. With `force`
   * that is released in the same step, everything is over on this side from the call on, and what is under way is given up.
   * Where the outcome is `unknown` the session is over, too: its lease runs out by itself.
   */
  async deregister(options: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
    const { force = false, ...limits } = options;
    if (this.#life.state === 'recovering') return this.#life.end('deregistered');
    await this.#life.current().deregister(force, limits);
  }

  /**
   * Ends the session on this side only: nothing is released and no keepalive is sent any more. For a planned restart
   * with `graceMs`: the next process of the pair inherits what this one owned.
   */
  orphan(): void {
    this.#life.end('orphaned');
  }

  /** Deregisters by `force`, within 2 seconds; where no manager confirms that, the lease runs out by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life.state === 'over') return;
    try {
      await this.deregister({ force: true, deadlineMs: DISPOSE_WITHIN_MS });
    } catch (err) {
      this.#context.logger.warn({ router: this.#context.router, err }, 'deregister failed');
    }
  }

  get #isLive(): boolean {
    const { state } = this.#life;
    return state === 'live' || state === 'jeopardy';
  }

  /** Who does not want to share a request gets a group of its own. */
  #group(): number {
    return this.#gathers ? SHARED_GROUP : ++this.#lastGroup;
  }
}

interface SessionParts {
  readonly protocolId: number;
  readonly componentId: number;
  readonly events: Emitter<SessionEvents>;
  readonly gathers: boolean;
}

/** What `begin` promises, or a rejection where it throws: an async function would cost each call two promises more. */
function begun<Result>(begin: () => Promise<Result>): Promise<Result> {
  try {
    return begin();
  } catch (error) {
    return Promise.reject(failure(error));
  }
}

function keyAt(keys: readonly InterfaceKey[], at: number): InterfaceKey {
  const key = keys[at];
  if (!key) throw new RangeError(`no interface ${at}`);
  return key;
}

function failure(error: unknown): MgmError {
  if (error instanceof MgmError) return error;
  throw error;
}
