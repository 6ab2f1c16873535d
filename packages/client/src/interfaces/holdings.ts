import { compareEpochs } from '@mgm/protocol';
import type { Epoch, InterfaceKey } from '@mgm/protocol';
import { BriefMap } from '../rpc/brief-map.ts';
import type { MgmError } from '../errors.ts';
import { keyText } from './key.ts';
import { HeldInterface, type Ending, type OwnershipKeeper } from '../ownership.ts';

/** What one session owns, by what it was told. */
export class Holdings {
  readonly #keeper: OwnershipKeeper;
  readonly #held = new BriefMap<string, HeldInterface>();
  /** Losses of interfaces that are being taken: the message about one may overtake the answer to the take. */
  readonly #lostEarly = new Map<string, { readonly epoch: Epoch; readonly reason: MgmError }>();

  constructor(keeper: OwnershipKeeper) {
    this.#keeper = keeper;
  }

  get size(): number {
    return this.#held.size;
  }

  [Symbol.iterator](): IterableIterator<HeldInterface> {
    return this.#held.values();
  }

  get(key: InterfaceKey): HeldInterface | undefined {
    return this.#held.get(keyText(key));
  }

  /** A take was answered. What was held of this interface before is over. */
  grant(key: InterfaceKey, epoch: Epoch, replaced: Ending): HeldInterface {
    const text = keyText(key);
    this.#held.get(text)?.end(replaced);
    const granted = new HeldInterface(key, epoch, this.#keeper);
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
   * The manager took this epoch away. `isBeingTaken`: the answer to a take may still come. Says what was held and no
   * longer is.
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
    this.#held.delete(text);
    held.end(reason);
    return held;
  }

  /** No answer to a take of this interface is to come any more. */
  settled(key: InterfaceKey): void {
    if (this.#lostEarly.size > 0) this.#lostEarly.delete(keyText(key));
  }

  /** Given back, as far as this side is concerned. */
  end(key: InterfaceKey, reason: Ending): void {
    const text = keyText(key);
    const held = this.#held.get(text);
    this.#held.delete(text);
    held?.end(reason);
  }

  /** Ends all of them and forgets them. Says which they were. */
  endAll(reason: MgmError): HeldInterface[] {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const held of all) held.end(reason);
    return all;
  }
}
