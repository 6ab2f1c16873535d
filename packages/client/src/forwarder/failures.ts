import { isMgmError } from '../errors.ts';
import type { FailedMfe } from '../forwarding/flows.ts';
import type { Logger } from '../options.ts';
import { backoffMs, pause, type Clock } from '../rpc/clock.ts';
import type { ForwardingTable } from './table.ts';

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
