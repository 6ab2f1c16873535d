import { isDeepStrictEqual } from 'node:util';
import { flowKey } from '../../support/flow-order.ts';
import type { Forwarding, PushedItem, Timed } from '../traffic/history.ts';
import { type Evidence, type Finding, isRunningAgent, type ProcessHistory } from './evidence.ts';
import { numberedItems } from './forwarding-log.ts';

/**
 * A forwarding plane goes forward only (forwarding contract, section 8.2): of an (s,g) no lower incarnation, none that the log
 * ended at or below the own `frev`, and an entry is replaced by the next change of the log; of an incoming interface no lower
 * epoch. It is flushed at a start, at the end, and after a loss of contact for the hold time, never before. While its agent
 * rests it forwards as the listing says (W5).
 */
export function checkPlanes({ router, forwarding, processes }: Evidence): Finding {
  const problems: string[] = [];
  let checked = 0;
  const log = numberedItems(forwarding.messages);
  const ends = endsIn(log);
  for (const process of processes) {
    const plane = new Plane(log, ends);
    for (const entry of process.entries) plane.apply(entry);
    checked += plane.calls;
    const found = [
      ...plane.problems,
      ...(isResting(process) ? plane.unlike(forwarding.entries) : []),
    ];
    problems.push(...found.map((problem) => `${router}: ${process.worker}: ${problem}`));
  }
  return { check: 'forwarding planes', checked, problems };
}

/** Whether it is a running agent that has a forwarding plane on record. */
function isResting(process: ProcessHistory): boolean {
  return isRunningAgent(process) && process.entries.some(({ kind }) => kind === 'plane');
}

/** The ends of incarnations in the log, in its order, by (s,g). */
function endsIn(log: ReadonlyMap<number, PushedItem>): Map<string, End[]> {
  const ends = new Map<string, End[]>();
  for (const [number, item] of log) {
    if (item[0] !== 'del') continue;
    const key = flowKey({ group: item[1], source: item[2] });
    ends.set(key, [...(ends.get(key) ?? []), { number, incarnation: item[3] }]);
  }
  return ends;
}

interface End {
  readonly number: number;
  readonly incarnation: number;
}

/** The forwarding plane of one process, by its calls. */
class Plane {
  readonly problems: string[] = [];
  calls = 0;
  readonly #log: ReadonlyMap<number, PushedItem>;
  readonly #ends: ReadonlyMap<string, readonly End[]>;
  readonly #installed = new Map<string, Forwarding>();
  readonly #incarnations = new Map<string, number>();
  /** The highest epoch of each incoming interface that this agent has installed. */
  readonly #epochs = new Map<string, bigint>();
  #isRunning = false;
  /** Flushes that are due. */
  #due = 0;
  #contactUntilMono = -Infinity;

  constructor(log: ReadonlyMap<number, PushedItem>, ends: ReadonlyMap<string, readonly End[]>) {
    this.#log = log;
    this.#ends = ends;
  }

  apply(entry: Timed): void {
    if (entry.kind === 'invoked' && entry.op === 'register') this.#starts();
    if (entry.kind === 'contact') {
      this.#contactUntilMono = Math.max(this.#contactUntilMono, entry.untilMono);
    }
    if (entry.kind === 'forwarder') this.#changed(entry);
    if (entry.kind !== 'plane') return;
    this.calls++;
    if (entry.call === 'flush') return this.#flushed();
    if (entry.call === 'set') this.#set(entry.entry, entry.frev);
    if (entry.call === 'delete') this.#installed.delete(flowKey(entry.entry));
  }

  /** How it forwards otherwise than listed. */
  unlike(listed: readonly Forwarding[]): string[] {
    const wanted = new Map(listed.map((one) => [flowKey(one), forwards(one)]));
    const extra = [...this.#installed.values()].filter(
      (one) => !isDeepStrictEqual(forwards(one), wanted.get(flowKey(one))),
    );
    const missing = listed.filter((one) => !this.#installed.has(flowKey(one)));
    return [
      ...extra.map((one) => `forwards by ${text(one)}, which is not listed`),
      ...missing.map((one) => `does not forward by ${text(one)}, which is listed`),
    ];
  }

  /** An agent begins, which knows nothing of the epochs that a former one has seen; or only another session of it. */
  #starts(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#due++;
    this.#epochs.clear();
  }

  #changed({ state, mono }: Extract<Timed, { readonly kind: 'forwarder' }>): void {
    if (state === 'flushed' && mono < this.#contactUntilMono) {
      const earlyMs = Math.round(this.#contactUntilMono - mono);
      this.problems.push(`flushed ${earlyMs} ms before the end of the hold time`);
    }
    if (state === 'flushed' || state === 'stopped') this.#due++;
    if (state === 'stopped') this.#isRunning = false;
  }

  #flushed(): void {
    if (this.#due === 0) this.problems.push('flushed although it had contact');
    this.#due = Math.max(0, this.#due - 1);
    this.#installed.clear();
  }

  #set(one: Forwarding, frev: number | undefined): void {
    const key = flowKey(one);
    const known = this.#installed.get(key);
    const highest = this.#incarnations.get(key) ?? 0;
    if (one.incarnation < highest) this.#wrong(one, `after incarnation ${highest}`);
    this.#incarnations.set(key, Math.max(highest, one.incarnation));
    this.#compareEpoch(one);
    if (frev !== undefined) {
      const end = this.#ends
        .get(key)
        ?.find(({ number, incarnation }) => number <= frev && incarnation >= one.incarnation);
      if (end) this.#wrong(one, `which ended at ${end.number}, as of ${frev}`);
      const isReplaced = known?.incarnation === one.incarnation;
      if (isReplaced && !this.#isNext(one, frev))
        this.#wrong(one, `which is not change ${frev + 1}`);
    }
    this.#installed.set(key, one);
  }

  #compareEpoch(one: Forwarding): void {
    if (one.ifIndex === 0) return;
    const iif = `${one.ifIndex}:${one.nextHop}`;
    const [epoch, highest] = [BigInt(one.iifEpoch), this.#epochs.get(iif) ?? 0n];
    if (epoch < highest) this.#wrong(one, `after epoch ${highest} of its incoming interface`);
    else this.#epochs.set(iif, epoch);
  }

  /** Whether the log tells of it right after this number. What the log does not keep can't be compared. */
  #isNext(one: Forwarding, frev: number): boolean {
    const item = this.#log.get(frev + 1);
    if (!item) return frev + 1 < Math.min(...this.#log.keys().take(1));
    return item[0] === 'set' && isDeepStrictEqual(forwards(item[1]), forwards(one));
  }

  #wrong(one: Forwarding, why: string): void {
    this.problems.push(`installs ${text(one)}, ${why}`);
  }
}

/** What decides how packets are forwarded. */
function forwards({ group, source, incarnation, ifIndex, nextHop, iifEpoch, oifs }: Forwarding) {
  return { group, source, incarnation, ifIndex, nextHop, iifEpoch, oifs };
}

function text(one: Forwarding): string {
  return JSON.stringify(forwards(one));
}
