import { compareEpochs } from '@mgm/protocol';
import type { Epoch, InterfaceKey, NextHop, OwnershipLostCallback } from '@mgm/protocol';
import { MgmError } from './errors.ts';
import { keyText } from './interfaces/refs.ts';
import type { CallOptions } from './options.ts';

/**
 * An interface that this session owns (or, for IGMP, is enabled on). An ownership that is over stays over: taking the
 * interface again creates another `Ownership` with another epoch.
 *
 * `await using ownership = await session.takeInterfaceOwnership({ ifIndex: 7 })` releases it at the end of the block, which
 * waits at most 2 seconds for a manager; the session continues the release in the background.
 */
export interface Ownership extends AsyncDisposable {
  readonly ifIndex: number;
  /** In canonical text, `''` for none. */
  readonly nextHop: NextHop;
  /** The fencing token: pass it along with everything done for the owner. Wire contract section 6. */
  readonly epoch: Epoch;
  /** Whether the holder may still act on the interface, by the clock now. */
  readonly isHeld: boolean;
  /**
   * Aborts when the ownership is over, whatever ended it; `signal.reason` is an {@link MgmError}: `released`,
   * `ownership-lost` (a manager said so) or `session-lost` (also at the deadline of the lease, without any network).
   * Reading `aborted` compares with the clock first, so it is correct also after the process was suspended.
   */
  readonly signal: AbortSignal;
  /** Why it is over; `undefined` while it is held. */
  readonly ended: MgmError | undefined;
  /** Resolves with the reason when the ownership is over, whatever ended it, as `signal` aborts. Never rejects. */
  readonly lost: Promise<MgmError>;
  /**
   * Releases the interface (MgmReleaseInterfaceOwnership). It counts as not held from the moment of the call. A second
   * call has the outcome of the first.
   *
   * Rejects with {@link MgmError} `not-owner` if it was lost before; then nothing is sent. If the outcome is `unknown`, the
   * session continues the release in the background until a manager has confirmed it or the session is over.
   */
  release(options?: CallOptions): Promise<void>;
}

/** How long `await using` waits for a manager to confirm that an ownership or a session is over. */
export const DISPOSE_WITHIN_MS = 2_000;

/** Why a hold ended. Creating an error captures a stack trace, so reasons rarely looked at are created on demand. */
export type EndReason = MgmError | ((key: InterfaceKey) => MgmError);

/** What a hold needs of its session. */
export interface HoldingSession {
  /** Ends every hold of the session if the lease is over, by the clock now. */
  readonly check: () => void;
  readonly release: (key: InterfaceKey, options: CallOptions) => Promise<void>;
  /** The hold of this interface is over, while the session continues. */
  readonly onEnd: (key: InterfaceKey) => void;
}

/** {@link Ownership} as the session sees it. */
export class HeldInterface implements Ownership {
  readonly key: InterfaceKey;
  readonly epoch: Epoch;
  readonly #session: HoldingSession;
  #ended: EndReason | undefined;
  /** Created on demand: most owners of many interfaces never read the signal of each. */
  #signal: HeldSignal | undefined;
  /** Created on demand, as the signal. */
  #lost: PromiseWithResolvers<MgmError> | undefined;
  #release: Promise<void> | undefined;

  constructor(key: InterfaceKey, epoch: Epoch, session: HoldingSession) {
    this.key = key;
    this.epoch = epoch;
    this.#session = session;
  }

  get ifIndex(): number {
    return this.key.ifIndex;
  }

  get nextHop(): NextHop {
    return this.key.nextHop;
  }

  get isHeld(): boolean {
    return this.ended === undefined;
  }

  get ended(): MgmError | undefined {
    if (!this.#ended) this.#session.check();
    if (typeof this.#ended === 'function') this.#ended = this.#ended(this.key);
    return this.#ended;
  }

  get signal(): AbortSignal {
    this.#signal ??= new HeldSignal(() => void this.ended);
    if (this.ended) this.#signal.abort(this.ended);
    return this.#signal.signal;
  }

  get lost(): Promise<MgmError> {
    this.#lost ??= Promise.withResolvers();
    if (this.ended) this.#lost.resolve(this.ended);
    return this.#lost.promise;
  }

  async release(options: CallOptions = {}): Promise<void> {
    if (this.#release) return await this.#release;
    const { ended } = this;
    if (ended) throw lostBefore(this.key, ended);
    this.#release = this.#session.release(this.key, options);
    await this.#release;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A failure needs no reaction: the session continues the release by itself.
    if (this.isHeld) await this.release({ deadlineMs: DISPOSE_WITHIN_MS }).catch(() => {});
  }

  /** Over for good. The first reason stays. */
  end(reason: EndReason): void {
    if (this.#ended) return;
    this.#ended = reason;
    if (this.#signal && this.ended) this.#signal.abort(this.ended);
    if (this.#lost && this.ended) this.#lost.resolve(this.ended);
  }
}

/** The interfaces that one session holds, as far as replies and callbacks have told this side. */
export class Holdings {
  readonly #session: HoldingSession;
  readonly #held = new Map<string, HeldInterface>();
  /** Losses of interfaces that are being taken: a callback may overtake the reply to the take. */
  readonly #lostEarly = new Map<string, { readonly epoch: Epoch; readonly reason: MgmError }>();

  constructor(session: HoldingSession) {
    this.#session = session;
  }

  get size(): number {
    return this.#held.size;
  }

  [Symbol.iterator](): IterableIterator<HeldInterface> {
    return this.#held.values();
  }

  /** Records a take that succeeded. An earlier hold of this interface ends with the reason `replaced`. */
  grant(key: InterfaceKey, epoch: Epoch, replaced: EndReason): HeldInterface {
    const text = keyText(key);
    if (this.#held.has(text)) this.#end(text, key, replaced);
    const granted = new HeldInterface(key, epoch, this.#session);
    const early = this.#lostEarly.get(text);
    if (early && compareEpochs(epoch, early.epoch) <= 0) {
      this.#held.delete(text);
      granted.end(early.reason);
    } else {
      this.#held.set(text, granted);
    }
    return granted;
  }

  /**
   * A manager took this epoch away. `isBeingTaken`: the reply to a take may still arrive. Returns the hold that ended.
   */
  lose(
    key: InterfaceKey,
    epoch: Epoch,
    reason: MgmError,
    isBeingTaken: boolean,
  ): HeldInterface | undefined {
    const text = keyText(key);
    if (isBeingTaken) this.#lostEarly.set(text, { epoch, reason });
    const held = this.#held.get(text);
    if (!held || compareEpochs(held.epoch, epoch) > 0) return undefined;
    this.#end(text, key, reason);
    return held;
  }

  /** No reply to a take of this interface can arrive any more. */
  settled(key: InterfaceKey): void {
    if (this.#lostEarly.size > 0) this.#lostEarly.delete(keyText(key));
  }

  /** Ends the hold of this interface, if there is one. */
  end(key: InterfaceKey, reason: EndReason): void {
    this.#end(keyText(key), key, reason);
  }

  has(key: InterfaceKey): boolean {
    return this.#held.has(keyText(key));
  }

  /** Ends and forgets all holds. Returns them. */
  endAll(reason: MgmError): HeldInterface[] {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const held of all) held.end(reason);
    return all;
  }

  #end(text: string, key: InterfaceKey, reason: EndReason): void {
    const held = this.#held.get(text);
    this.#held.delete(text);
    this.#session.onEnd(key);
    held?.end(reason);
  }
}

/**
 * An `AbortSignal` that is correct also in a process that was too busy to run its timers: reading `aborted` and calling
 * `throwIfAborted` run `check` first.
 */
export class HeldSignal {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();

  /** @param check updates the state that decides about the signal; may call {@link abort} */
  constructor(check: () => void) {
    this.signal = checkedFirst(this.#controller.signal, check);
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }
}

function checkedFirst(signal: AbortSignal, check: () => void): AbortSignal {
  const isAborted = (): unknown => Reflect.get(AbortSignal.prototype, 'aborted', signal);
  return Object.defineProperties(signal, {
    aborted: {
      configurable: true,
      get: () => {
        check();
        return isAborted();
      },
    },
    throwIfAborted: {
      configurable: true,
      value: () => {
        check();
        AbortSignal.prototype.throwIfAborted.call(signal);
      },
    },
  });
}

export function released(key: InterfaceKey): MgmError {
  return ended('released', `interface ${keyText(key)} was released`, key);
}

export function takenAgain(key: InterfaceKey): MgmError {
  return ended(
    'ownership-lost',
    `interface ${keyText(key)} was taken again under another epoch`,
    key,
  );
}

export function takenAway({ ifIndex, nextHop, cause, why }: OwnershipLostCallback): MgmError {
  const key = { ifIndex, nextHop };
  const because = why ? `${cause}: ${why}` : cause;
  return ended('ownership-lost', `interface ${keyText(key)} was taken away (${because})`, key);
}

function ended(
  reason: 'released' | 'ownership-lost',
  message: string,
  key: InterfaceKey,
): MgmError {
  return new MgmError(message, { reason, outcome: 'not-done', interface: key });
}

function lostBefore(key: InterfaceKey, cause: MgmError): MgmError {
  return new MgmError(`interface ${keyText(key)} was lost before: ${cause.message}`, {
    reason: 'not-owner',
    outcome: 'not-done',
    operation: 'release',
    interface: key,
    cause,
  });
}
