import { isDeepStrictEqual } from 'node:util';
import { flowKey } from '../../support/flow-order.ts';
import type { Forwarding, LoggedForwarding, PushedItem } from '../traffic/history.ts';
import { addTo } from './add-to.ts';
import { callsOf, changesOf, type Change, type Evidence, type Finding } from './evidence.ts';
import { numberedItems } from './forwarding-log.ts';

/**
 * What `mfe.get`, `mfe.list` and `fib` showed during the run. A listing has only incarnations that the log has set and not
 * ended at its `frev`, `fib` agrees with the log, and `frev` never falls (W4). No read and no later change shows a hold
 * that had ended as incoming interface, or an interface that was free as incoming or outgoing one (W3).
 */
export function checkForwardingReads(evidence: Evidence): Finding {
  const reads = readsOf(evidence);
  const log = numberedItems(evidence.forwarding.messages);
  const problems = [
    ...againstLog(reads, log, evidence.forwarding.log),
    ...fallingRevisions(reads),
    ...endedHolds(evidence, reads, log),
    ...freeInterfaces(evidence, reads, log),
  ];
  return {
    check: 'forwarding reads',
    checked: reads.length,
    problems: problems.map((problem) => `${evidence.router}: ${problem}`),
  };
}

/** A read, and the entries that it shows. */
interface Read {
  readonly id: string;
  readonly invokedMono: number;
  readonly returnedMono: number;
  /** Of a listing. */
  readonly entries: readonly Forwarding[];
  /** Of `fib`. */
  readonly messages: readonly LoggedForwarding[];
  readonly frev: number | undefined;
  readonly log: string | undefined;
}

/** The reads in the order of their calls. */
function readsOf(evidence: Evidence): Read[] {
  return callsOf(evidence)
    .flatMap(({ id, invokedMono, returnedMono, told }): Read[] => {
      const times = { id, invokedMono, returnedMono };
      if (told.told === 'listed') {
        const { entries, frev, log } = told;
        return [{ ...times, entries, messages: [], frev, log }];
      }
      if (told.told !== 'changes') return [];
      const { messages, frev, log } = told;
      return [{ ...times, entries: [], messages, frev, log }];
    })
    .toSorted((a, b) => a.invokedMono - b.invokedMono);
}

function againstLog(
  reads: readonly Read[],
  log: ReadonlyMap<number, PushedItem>,
  present: string,
): string[] {
  const [first = 1] = log.keys();
  // What is older than the log can't be compared.
  const lives = first === 1 ? livesIn(log) : undefined;
  return reads
    .filter((read) => (read.log ?? present) === present)
    .flatMap(({ id, entries, messages, frev = Infinity }) => [
      ...entries
        .filter((one) => lives && !isAlive(lives.get(lifeKey(one)), frev))
        .map((one) => `${id} shows ${text(one)}, which the log does not have at ${frev}`),
      ...[...numberedItems(messages)]
        .filter(([number, item]) => {
          const logged = log.get(number);
          return number >= first && !isDeepStrictEqual(item, logged);
        })
        .map(([number, item]) => `${id} shows ${text(item)} as change ${number} of another log`),
    ]);
}

/** From the first `set` of an incarnation to its `del`. */
interface Life {
  readonly from: number;
  to: number;
}

function livesIn(log: ReadonlyMap<number, PushedItem>): Map<string, Life> {
  const lives = new Map<string, Life>();
  for (const [number, item] of log) {
    if (item[0] === 'del') {
      const [, group, source, incarnation] = item;
      const life = lives.get(lifeKey({ group, source, incarnation }));
      if (life) life.to = Math.min(life.to, number);
    } else if (!lives.has(lifeKey(item[1]))) {
      lives.set(lifeKey(item[1]), { from: number, to: Infinity });
    }
  }
  return lives;
}

/** Without a `frev`, only whether it ever was there. */
function isAlive(life: Life | undefined, frev: number): boolean {
  return life !== undefined && life.from <= frev && (frev === Infinity || frev < life.to);
}

function lifeKey(one: Pick<Forwarding, 'group' | 'source' | 'incarnation'>): string {
  return `${flowKey(one)} ${one.incarnation}`;
}

/** A read that began after another one had returned is not older. Only the reads of one log are comparable. */
function fallingRevisions(reads: readonly Read[]): string[] {
  const logs = new Set(reads.flatMap(({ log }) => log ?? []));
  return [...logs].flatMap((log) => {
    const comparable = reads.filter((one) => one.log === log);
    const revisions = new Revisions(comparable);
    return comparable.flatMap(({ id, invokedMono, frev = 0 }) => {
      const seen = revisions.before(invokedMono);
      return frev < seen ? [`${id} is as of ${frev}, after a read as of ${seen}`] : [];
    });
  });
}

/** What reads tell about when the changes of the log were written. */
class Revisions {
  readonly #begun: readonly Read[];
  /** The highest `frev` up to each return, in the order of returns. */
  readonly #returned: readonly { readonly mono: number; readonly frev: number }[];

  constructor(reads: readonly Read[]) {
    this.#begun = reads.filter(({ frev }) => frev !== undefined);
    let highest = 0;
    this.#returned = this.#begun
      .toSorted((a, b) => a.returnedMono - b.returnedMono)
      .map(({ returnedMono: mono, frev = 0 }) => ({
        mono,
        frev: (highest = Math.max(highest, frev)),
      }));
  }

  /** Changes up to this number were written before this time. */
  before(mono: number): number {
    const at = countOf(this.#returned, (one) => one.mono < mono);
    return this.#returned[at - 1]?.frev ?? 0;
  }

  /** Changes above this number were written after this time. */
  after(mono: number): number {
    const at = countOf(this.#begun, (one) => one.invokedMono <= mono);
    return this.#begun[at]?.frev ?? Infinity;
  }
}

/** How many items at the beginning of a sorted list fulfil a condition. */
function countOf<Item>(list: readonly Item[], isBefore: (item: Item) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = list[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The end of a hold of one interface, or of all holds of a session, as a watcher saw it. */
interface HoldEnd {
  readonly mono: number;
  readonly rev: number;
  readonly pair: string | undefined;
  readonly epoch: bigint;
}

function endedHolds(
  evidence: Evidence,
  reads: readonly Read[],
  log: ReadonlyMap<number, PushedItem>,
): string[] {
  const ends = new Map<number, HoldEnd[]>();
  for (const { event, seenMono } of changesOf(evidence)) {
    const { type, session = 0, ifIndex, nextHop = '', epoch = '0', rev } = event;
    const isOfOne = type.endsWith('released');
    if (!isOfOne && !isEnd(type)) continue;
    const pair = isOfOne ? `${ifIndex}:${nextHop}` : undefined;
    addTo(ends, session, { mono: seenMono, rev, pair, epoch: BigInt(epoch) });
  }
  const endOf = (one: Forwarding, isBefore: (end: HoldEnd) => boolean): HoldEnd | undefined =>
    ends.get(one.session)?.find((end) => {
      const isAll = end.pair === undefined;
      const isThis = isAll || (end.pair === pairOf(one) && BigInt(one.iifEpoch) <= end.epoch);
      return one.ifIndex !== 0 && isThis && isBefore(end);
    });
  const revisions = new Revisions(ofPresentLog(reads, evidence));
  return [
    ...reads.flatMap(({ id, invokedMono, entries }) =>
      entries.flatMap((one) => {
        const end = endOf(one, ({ mono }) => mono < invokedMono);
        return end ? [`${id} shows ${text(one)}, whose hold ended with change ${end.rev}`] : [];
      }),
    ),
    ...setsIn(log).flatMap(([number, one]) => {
      const end = endOf(one, ({ mono }) => revisions.after(mono) < number);
      return end ? [`${number} sets ${text(one)}, whose hold ended with change ${end.rev}`] : [];
    }),
  ];
}

/** A time in which no client was on an interface. */
interface Free {
  readonly pair: string;
  readonly fromMono: number;
  readonly toMono: number;
}

function freeInterfaces(
  evidence: Evidence,
  reads: readonly Read[],
  log: ReadonlyMap<number, PushedItem>,
): string[] {
  const free = freeTimes(evidence);
  const revisions = new Revisions(ofPresentLog(reads, evidence));
  const sets = setsIn(log);
  return free.flatMap(({ pair, fromMono, toMono }) => {
    const first = countOf(reads, ({ invokedMono }) => invokedMono <= fromMono);
    const last = countOf(reads, ({ invokedMono }) => invokedMono < toMono);
    const during = reads.slice(first, last).filter(({ returnedMono }) => returnedMono < toMono);
    const [above, upTo] = [revisions.after(fromMono), revisions.before(toMono)];
    const [from, to] = [above, upTo].map((frev) => countOf(sets, ([number]) => number <= frev));
    return [
      ...during.flatMap(({ id, entries }) =>
        entries
          .filter((one) => isOn(one, pair))
          .map((one) => `${id} shows ${text(one)}, while no client was on ${pair}`),
      ),
      ...sets
        .slice(from, to)
        .filter(([, one]) => isOn(one, pair))
        .map(([number, one]) => `${number} sets ${text(one)}, while no client was on ${pair}`),
    ];
  });
}

/** From when a watcher saw the end of the last hold until the call began that took the interface again. */
function freeTimes(evidence: Evidence): Free[] {
  const begun = new Map(
    callsOf(evidence).flatMap(({ told, invokedMono }): [string, number][] =>
      told.told === 'taken' ? [[told.epoch, invokedMono]] : [],
    ),
  );
  const holders = new Map<string, Map<string, number>>();
  const free: Free[] = [];
  const since = new Map<string, number>();
  const ends = (
    pair: string,
    mono: number,
    isOver: (place: string, session: number) => boolean,
  ) => {
    const there = holders.get(pair) ?? new Map<string, number>();
    const before = there.size;
    for (const [place, session] of there) if (isOver(place, session)) there.delete(place);
    if (before > 0 && there.size === 0) since.set(pair, mono);
  };
  const close = (pair: string, toMono: number): void => {
    const fromMono = since.get(pair) ?? Infinity;
    since.delete(pair);
    if (fromMono < toMono) free.push({ pair, fromMono, toMono });
  };
  for (const { event, seenMono } of changesOf(evidence)) {
    const { type, session = 0, previous, ifIndex, nextHop = '', epoch = '' } = event;
    const pair = `${ifIndex}:${nextHop}`;
    const place = type.startsWith('igmp-') ? 'igmp' : 'owner';
    if (type.endsWith('taken')) {
      // One that the library takes again by itself may have begun at any time.
      close(pair, begun.get(epoch) ?? -Infinity);
      holders.set(pair, (holders.get(pair) ?? new Map<string, number>()).set(place, session));
    }
    if (type.endsWith('released')) ends(pair, seenMono, (at) => at === place);
    if (isEnd(type)) for (const on of holders.keys()) ends(on, seenMono, (_, of) => of === session);
    if (type !== 'resumed') continue;
    for (const there of holders.values()) {
      for (const [at, of] of there) if (of === previous) there.set(at, session);
    }
  }
  for (const pair of since.keys()) close(pair, Infinity);
  return free;
}

function isEnd(type: Change['event']['type']): boolean {
  return type === 'expired' || type === 'evicted' || type === 'deregistered';
}

function ofPresentLog(reads: readonly Read[], { forwarding }: Evidence): Read[] {
  return reads.filter(({ log }) => log === forwarding.log);
}

function setsIn(log: ReadonlyMap<number, PushedItem>): [number, Forwarding][] {
  return [...log].flatMap(([number, item]): [number, Forwarding][] =>
    item[0] === 'set' ? [[number, item[1]]] : [],
  );
}

/** Whether the interface is the incoming one or an outgoing one. */
function isOn(one: Forwarding, pair: string): boolean {
  return (
    pairOf(one) === pair ||
    one.oifs.some(([ifIndex, nextHop]) => `${String(ifIndex)}:${String(nextHop)}` === pair)
  );
}

function pairOf({ ifIndex, nextHop }: Pick<Forwarding, 'ifIndex' | 'nextHop'>): string {
  return `${ifIndex}:${nextHop}`;
}

function text(one: Forwarding | PushedItem): string {
  return JSON.stringify(one);
}
