import {
  type Epoch,
  type EventMessage,
  type InterfaceItem,
  type InterfaceKey,
  isIgmp,
  type NextHop,
  type SessionId,
} from '@mgm/protocol';

/** A hold on an interface. */
export interface Hold {
  readonly protocolId: number;
  readonly session: SessionId;
  readonly epoch: Epoch;
  /** ms on the store's clock. */
  readonly since: number;
  /** The lease of the holder ended and its grace time is running. */
  readonly isStale: boolean;
}

/** One interface. Without owner and IGMP it became free recently. */
export interface Row extends InterfaceKey {
  readonly owner?: Hold;
  readonly igmp?: Hold;
}

/** The number of changes kept. */
const CHANGES_MAX = 50;
/** The number of free interfaces kept. */
const FREE_MAX = 50;
const RATE_OVER_S = 10;

/** The state of a router, from a snapshot and the changes since then. */
export class Board {
  readonly #rows = new Map<string, Row>();
  readonly #free = new Set<string>();
  readonly #openedMono: number;
  #changes: EventMessage[] = [];
  /** The number of changes by second. */
  readonly #counts = new Map<number, number>();

  constructor(nowMono: number) {
    this.#openedMono = nowMono;
  }

  /** Ordered by interface index and next hop. */
  get rows(): readonly Row[] {
    return [...this.#rows.values()].toSorted(byKey);
  }

  /** The last changes, the newest last. */
  get changes(): readonly EventMessage[] {
    return this.#changes;
  }

  /** Changes per second over the last ten seconds. */
  rate(nowMono: number): number {
    const openMs = Math.max(nowMono - this.#openedMono, 1_000);
    const since = Math.floor(nowMono / 1000) - RATE_OVER_S;
    let count = 0;
    for (const [second, ofSecond] of this.#counts) if (second > since) count += ofSecond;
    return count / Math.min(RATE_OVER_S, openMs / 1000);
  }

  /** Replaces the state by a snapshot. */
  reset(items: readonly InterfaceItem[]): void {
    for (const row of this.#rows.values()) this.#put({ ...keyOf(row) });
    for (const item of items) this.#put(rowOf(item));
  }

  apply(event: EventMessage, nowMono: number): void {
    this.#changes = [...this.#changes, event].slice(-CHANGES_MAX);
    this.#count(Math.floor(nowMono / 1000));
    this.#change(event);
  }

  #count(second: number): void {
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > RATE_OVER_S && oldest !== undefined) this.#counts.delete(oldest);
  }

  #change(event: EventMessage): void {
    switch (event.type) {
      case 'taken':
      case 'igmp-taken':
      case 'released':
      case 'igmp-released':
        return this.#changeInterface(event);
      case 'stale':
        return this.#changeHolds((hold) =>
          hold.session === event.session ? { ...hold, isStale: true } : hold,
        );
      case 'resumed':
        return this.#changeHolds((hold) => inherited(hold, event));
      case 'registered':
      case 'deregistered':
      case 'expired':
      case 'evicted':
      case 'store-reset':
      case 'interface-set':
        // They change no hold; what follows from the end of a session has events of its own.
        return;
    }
  }

  #changeInterface(event: EventMessage): void {
    const { ifIndex, nextHop } = event;
    if (ifIndex === undefined || nextHop === undefined) return;
    const { owner, igmp, ...key } = this.#rows.get(keyText(ifIndex, nextHop)) ?? {
      ifIndex,
      nextHop,
    };
    const isOfIgmp = event.type.startsWith('igmp-');
    const changed = event.type.endsWith('taken') ? holdOf(event) : undefined;
    const [nowOwner, nowIgmp] = isOfIgmp ? [owner, changed] : [changed, igmp];
    this.#put({ ...key, ...(nowOwner && { owner: nowOwner }), ...(nowIgmp && { igmp: nowIgmp }) });
  }

  #changeHolds(change: (hold: Hold) => Hold): void {
    for (const { owner, igmp, ...key } of this.#rows.values()) {
      this.#put({
        ...key,
        ...(owner && { owner: change(owner) }),
        ...(igmp && { igmp: change(igmp) }),
      });
    }
  }

  #put(row: Row): void {
    const key = keyText(row.ifIndex, row.nextHop);
    this.#rows.set(key, row);
    this.#free.delete(key);
    if (row.owner || row.igmp) return;
    this.#free.add(key);
    const [oldest] = this.#free;
    if (this.#free.size <= FREE_MAX || oldest === undefined) return;
    this.#free.delete(oldest);
    this.#rows.delete(oldest);
  }
}

function rowOf(item: InterfaceItem): Row {
  const hold = holdOf({ ...item, ts: item.since }, item.stale);
  // If only IGMP holds the interface, it is reported as the holder.
  if (isIgmp(item.protocolId)) return { ...keyOf(item), ...(hold && { igmp: hold }) };
  const igmp = item.igmp && holdOf({ ...item.igmp, ts: item.since });
  return { ...keyOf(item), ...(hold && { owner: hold }), ...(igmp && { igmp }) };
}

type Holding = Pick<EventMessage, 'protocolId' | 'session' | 'epoch' | 'ts'>;

function holdOf(holding: Holding, isStale = false): Hold | undefined {
  const { protocolId, session, epoch, ts } = holding;
  if (protocolId === undefined || session === undefined || epoch === undefined) return undefined;
  return { protocolId, session, epoch, since: ts, isStale };
}

function inherited(hold: Hold, { previous, session, epoch }: EventMessage): Hold {
  if (hold.session !== previous || session === undefined) return hold;
  return { ...hold, session, epoch: epoch ?? hold.epoch, isStale: false };
}

function keyOf({ ifIndex, nextHop }: InterfaceKey): InterfaceKey {
  return { ifIndex, nextHop };
}

function keyText(ifIndex: number, nextHop: NextHop): string {
  return `${ifIndex} ${nextHop}`;
}

const BY_NUMBERS = new Intl.Collator('en', { numeric: true });

function byKey(a: Row, b: Row): number {
  return a.ifIndex - b.ifIndex || BY_NUMBERS.compare(a.nextHop, b.nextHop);
}
