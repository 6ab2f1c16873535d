import type { FlowRef, WrongIfRef } from '../forwarding/flows.ts';
import { isMgmError } from '../errors.ts';
import type { Logger } from '../options.ts';
import type { Cancel, Clock } from '../rpc/clock.ts';

/** How long packets are counted before they are reported. */
const COLLECT_MS = 100;
/** Flows that wait to be reported: those of one request. Packets of further ones are not reported. */
const FLOWS_MAX = 64;

/** What a report of packets on a wrong interface uses. */
export interface WrongIfParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sends up to 64 items. Rejects with `MgmError`. */
  readonly report: (items: readonly WrongIfRef[]) => Promise<void>;
}

/**
 * Counts packets on a wrong interface by flow and interface, and reports them, one request at a time. They are hints: those of
 * a failed request are lost.
 */
export class WrongIfReport {
  readonly #parts: WrongIfParts;
  #counted = new Map<string, WrongIfRef>();
  #cancel: Cancel | undefined;
  #isOver = false;

  constructor(parts: WrongIfParts) {
    this.#parts = parts;
  }

  /** Counts one packet; `key` names its flow and interface. The header reported is that of the first packet. */
  add(key: string, flow: FlowRef): void {
    const counted = this.#counted.get(key);
    if (this.#isOver || (!counted && this.#counted.size >= FLOWS_MAX)) return;
    this.#counted.set(key, { ...flow, ...counted, count: (counted?.count ?? 0) + 1 });
    this.#cancel ??= this.#parts.clock.after(COLLECT_MS, () => void this.#send());
  }

  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  async #send(): Promise<void> {
    const items = [...this.#counted.values()];
    this.#counted = new Map();
    try {
      await this.#parts.report(items);
    } catch (err) {
      const { logger } = this.#parts;
      logger[isMgmError(err) ? 'warn' : 'error'](
        { err },
        'packets on a wrong interface not reported',
      );
    }
    const isNext = this.#counted.size > 0 && !this.#isOver;
    this.#cancel = isNext
      ? this.#parts.clock.after(COLLECT_MS, () => void this.#send())
      : undefined;
  }
}
