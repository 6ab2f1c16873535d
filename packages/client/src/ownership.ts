import type { Epoch, InterfaceKey, NextHop } from '@mgm/protocol';
import { MgmError } from './errors.ts';
import { HeldSignal } from './session/held-signal.ts';
import { keyText } from './interfaces/key.ts';
import type { CallOptions } from './options.ts';

/**
 * An interface that this session owns (or, for IGMP, is enabled on). Once it is over it stays over: taking the interface
 * again gives another `Ownership`, with another epoch.
 *
 * `await using ownership = await session.takeInterfaceOwnership({ ifIndex: 7 })` gives it back with the block.
 */
export interface Ownership extends AsyncDisposable {
  readonly ifIndex: number;
  /** In canonical text, `''` for none. */
  readonly nextHop: NextHop;
  /** The fencing token: pass it along with everything done for the owner. Wire contract section 6. */
  readonly epoch: Epoch;
  /** Whether the interface may still be acted on, by the clock as it is now. */
  readonly isHeld: boolean;
  /**
   * Aborts when the ownership is over, whatever ended it; `signal.reason` is an {@link MgmError} that tells: `released`,
   * `ownership-lost` (the manager said so) or `session-lost` (also at the deadline of the lease, with no network to say
   * so). Asking `aborted` compares with the clock first, so that it is right after a pause of any length, too.
   */
  readonly signal: AbortSignal;
  /** Why it is over; `undefined` while it is held. */
  readonly ended: MgmError | undefined;
  /**
   * Gives the interface back (MgmReleaseInterfaceOwnership). It counts as not held from the moment of the call. Called again
   * it answers as the first time.
   *
   * Throws {@link MgmError} `not-owner` where it was lost before, without sending anything. Where the outcome is `unknown` the
   * session goes on giving it back in the background until a manager confirmed it, or the session is over.
   */
  release(options?: CallOptions): Promise<void>;
}

/** Why something ended. An error costs a stack trace, so one that hardly anybody looks at is made when somebody does. */
export type Ending = MgmError | ((key: InterfaceKey) => MgmError);

/** What an ownership needs of its session. */
export interface OwnershipKeeper {
  /** Ends every ownership of the session if the lease is over, by the clock as it is now. */
  check(): void;
  giveBack(ownership: HeldInterface, options: CallOptions): Promise<void>;
}

/** {@link Ownership} as the session sees it. */
export class HeldInterface implements Ownership {
  readonly key: InterfaceKey;
  readonly epoch: Epoch;
  readonly #keeper: OwnershipKeeper;
  #ended: Ending | undefined;
  /** Most owners of many interfaces never ask for the signal of each: it is made when it is. */
  #signal: HeldSignal | undefined;
  #release: Promise<void> | undefined;

  constructor(key: InterfaceKey, epoch: Epoch, keeper: OwnershipKeeper) {
    this.key = key;
    this.epoch = epoch;
    this.#keeper = keeper;
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
    if (!this.#ended) this.#keeper.check();
    if (typeof this.#ended === 'function') this.#ended = this.#ended(this.key);
    return this.#ended;
  }

  get signal(): AbortSignal {
    this.#signal ??= new HeldSignal(() => void this.ended);
    if (this.ended) this.#signal.abort(this.ended);
    return this.#signal.signal;
  }

  async release(options: CallOptions = {}): Promise<void> {
    if (this.#release) return await this.#release;
    const { ended } = this;
    if (ended) throw lostBefore(this.key, ended);
    this.#release = this.#keeper.giveBack(this, options);
    await this.#release;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nobody can act on a failure here, and the session goes on giving it back by itself.
    if (this.isHeld) await this.release().catch(() => {});
  }

  /** Over for good. The first reason stays. */
  end(reason: Ending): void {
    if (this.#ended) return;
    this.#ended = reason;
    if (this.#signal && this.ended) this.#signal.abort(this.ended);
  }
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
