import { isMgmError } from '../errors.ts';
import type { ForwardingTable } from './table.ts';
import type { FailedMfe, FlowRef, WrongIfRef } from '../forwarding/flows.ts';
import type { Logger } from '../options.ts';
import { backoffMs, pause, type Cancel, type Clock } from '../rpc/clock.ts';

const PER_REQUEST = 256;

/** What a report of failures uses. */
export interface FailureParts {
  readonly table: ForwardingTable;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sends up to 256 items. Rejects with `MgmError`. */
  readonly report: (items: readonly FailedMfe[]) => Promise<void>;
  /** Ends the report. */
  readonly signal: AbortSignal;
}

/** Reports entries that the forwarding plane does not have, or has after all. */
export class FailureReport {
  readonly #parts: FailureParts;
  #running: Promise<void> | undefined;

  constructor(parts: FailureParts) {
    this.#parts = parts;
  }

  /** Resolves when nothing is unreported, or at the signal. Failed requests are repeated. */
  async done(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { table, clock, signal } = this.#parts;
    for (let failures = 0; table.hasUnreported && !signal.aborted;) {
      if (await this.#sendSome()) failures = 0;
      else await pause(clock, backoffMs(++failures), signal);
    }
  }

  async #sendSome(): Promise<boolean> {
    const { table, logger, report } = this.#parts;
    const items = table.unreported(PER_REQUEST);
    try {
      await report(
        items.map(({ mfe: { group, source, incarnation }, reason }) => ({
          ...{ group, source, incarnation, reason },
        })),
      );
    } catch (err) {
      logger.warn({ err }, 'failures not reported');
      // Managers that do not know the operation show no failures.
      if (!isMgmError(err, 'not-supported')) return false;
    }
    table.reported(items);
    return true;
  }
}

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
