import type { Mfe } from '@mgm/protocol';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { isMgmError } from '../errors.ts';
import type { MfeCounters } from '../forwarding/flows.ts';
import type { MfeRef } from '../forwarding/mfes.ts';
import { entryText } from '../membership/refs.ts';
import type { Logger } from '../options.ts';
import { untilAborted, type Clock } from '../rpc/clock.ts';
import type { ForwardingPlane } from './options.ts';

/** Last counters of deleted entries that wait to be sent. Further ones are dropped. */
const LAST_MAX = 65_536;
const PER_REQUEST = 256;
/** Counters that are compared before timers get their turn. */
const COUNTERS_PER_TURN = 256;
/** Longer than a slow plane takes: without a limit one that never answers would end the statistics. */
const READ_WITHIN_MS = 30_000;

/** What a report of statistics uses. */
export interface StatsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly plane: ForwardingPlane;
  /** The entry of the table, whatever its incarnation. */
  readonly entry: (ref: MfeRef) => Mfe | undefined;
  /** Sends up to 256 items. Rejects with `MgmError`. */
  readonly report: (items: readonly MfeCounters[]) => Promise<void>;
}

/**
 * Sends the counters of a forwarding plane that have changed since the session sent them, and the last ones of deleted
 * entries. One request at a time. What could not be sent follows with the next round. Forwarding contract, section 8.1.
 */
export class StatsReport {
  readonly #parts: StatsParts;
  /** What the session sent last, by entry of the table. */
  #sent = new Map<string, string>();
  #last: MfeCounters[] = [];
  #isRunning = false;

  constructor(parts: StatsParts) {
    this.#parts = parts;
  }

  /** A session has begun: managers have no counters of it. */
  reportAnew(): void {
    this.#sent = new Map();
    this.#last = [];
  }

  /** The entry left the table; with its last counters if the plane has returned them. */
  deleted(key: string, { group, source, incarnation }: Mfe, counters?: MfeCounters): void {
    const sent = this.#sent.get(key);
    this.#sent.delete(key);
    if (!counters || this.#last.length >= LAST_MAX) return;
    const item = { ...counters, group, source, incarnation };
    if (sent !== textOf(item)) this.#last.push(item);
  }

  /** Reads the counters of the plane and sends what changed. Does nothing while a round is under way. */
  async round(): Promise<void> {
    await this.#alone(async () => {
      await this.#sendLast();
      await this.#sendChanged(await this.#read());
      await this.#sendLast();
    });
  }

  /** Sends the last counters of deleted entries. Does nothing while a round is under way: it sends them when it ends. */
  async last(): Promise<void> {
    if (this.#last.length > 0) await this.#alone(() => this.#sendLast());
  }

  /** Rejects if the plane takes too long; then its result is ignored. */
  async #read(): Promise<Iterable<MfeCounters>> {
    const { clock, plane } = this.#parts;
    const limit = new AbortController();
    const cancel = clock.after(READ_WITHIN_MS, () =>
      limit.abort(new Error(`no result within ${READ_WITHIN_MS} ms`)),
    );
    try {
      return (await untilAborted(Promise.resolve(plane.stats?.()), limit.signal)) ?? [];
    } finally {
      cancel();
    }
  }

  async #sendLast(): Promise<void> {
    while (this.#last.length > 0) {
      const last = this.#last;
      const items = last.slice(0, PER_REQUEST);
      await this.#send(items);
      last.splice(0, items.length);
    }
  }

  async #sendChanged(counters: Iterable<MfeCounters>): Promise<void> {
    let changed: Changed[] = [];
    let compared = 0;
    for (const one of counters) {
      if (++compared % COUNTERS_PER_TURN === 0) await endOfTurn();
      const mfe = this.#parts.entry(one);
      if (mfe?.incarnation !== one.incarnation) continue;
      const { group, source, incarnation } = mfe;
      const item = { ...one, group, source, incarnation };
      const [key, text] = [entryText(mfe), textOf(item)];
      if (this.#sent.get(key) === text) continue;
      changed.push({ key, text, item });
      if (changed.length < PER_REQUEST) continue;
      await this.#sendSome(changed);
      changed = [];
    }
    await this.#sendSome(changed);
  }

  async #sendSome(changed: readonly Changed[]): Promise<void> {
    const sent = this.#sent;
    if (changed.length === 0 || !(await this.#send(changed.map(({ item }) => item)))) return;
    for (const { key, text, item } of changed) {
      // An entry that was deleted meanwhile is forgotten already.
      if (this.#parts.entry(item)?.incarnation === item.incarnation) sent.set(key, text);
    }
  }

  /** Whether managers took it. A request with a wrong counter is skipped, so that it does not hold up others. */
  async #send(items: readonly MfeCounters[]): Promise<boolean> {
    try {
      await this.#parts.report(items);
      return true;
    } catch (err) {
      if (!isMgmError(err, 'bad-request')) throw err;
      this.#parts.logger.error({ err }, 'wrong counters of the forwarding plane');
      return false;
    }
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      await work();
    } catch (err) {
      const { logger } = this.#parts;
      if (isMgmError(err)) logger.warn({ err }, 'statistics not sent');
      else logger.error({ err }, 'statistics of the forwarding plane not read');
    } finally {
      this.#isRunning = false;
    }
  }
}

interface Changed {
  readonly key: string;
  readonly text: string;
  readonly item: MfeCounters;
}

function textOf(counters: MfeCounters): string {
  return JSON.stringify(counters);
}
