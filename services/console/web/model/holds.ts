import { isIgmp, type EventMessage, type InterfaceItem } from '@mgm/protocol';
import { interfaceText } from './format.ts';

type Hold = Pick<
  InterfaceItem,
  'protocolId' | 'componentId' | 'session' | 'epoch' | 'since' | 'stale'
>;

interface Holds {
  readonly ifIndex: number;
  readonly nextHop: InterfaceItem['nextHop'];
  readonly owner?: Hold | undefined;
  readonly igmp?: Hold | undefined;
}

/** The interfaces of a router: a snapshot and the events after it. */
export class InterfaceTable {
  readonly #holds = new Map<string, Holds>();
  readonly #names = new Map<number, string>();
  #sorted: readonly InterfaceItem[] | undefined;

  /** All interfaces by their numbers; the same array until something changes. */
  get rows(): readonly InterfaceItem[] {
    this.#sorted ??= [...this.#holds.values()]
      .flatMap((holds) => this.#itemOf(holds) ?? [])
      .sort(byNumbers);
    return this.#sorted;
  }

  get(ifIndex: number, nextHop: string): InterfaceItem | undefined {
    const holds = this.#holds.get(interfaceText({ ifIndex, nextHop }));
    return holds && this.#itemOf(holds);
  }

  learnName(session: number, name: string): void {
    if (this.#names.get(session) === name) return;
    this.#names.set(session, name);
    this.#sorted = undefined;
  }

  nameOf(session: number | undefined): string {
    return this.#names.get(session ?? 0) ?? '';
  }

  list(item: InterfaceItem): void {
    const { ifIndex, nextHop, name, igmp, since } = item;
    this.#names.set(item.session, name);
    if (isIgmp(item.protocolId)) return this.#put({ ifIndex, nextHop, igmp: item });
    this.#put({ ifIndex, nextHop, owner: item, igmp: igmp && { ...igmp, since, stale: false } });
  }

  apply(event: EventMessage): void {
    const { ifIndex, nextHop, type } = event;
    if (ifIndex === undefined || nextHop === undefined) return this.#applyToSession(event);
    const before = this.#holds.get(interfaceText({ ifIndex, nextHop }));
    const hold = type.endsWith('taken') ? holdOf(event) : undefined;
    const change = type.startsWith('igmp-') ? { igmp: hold } : { owner: hold };
    this.#put({ ...before, ifIndex, nextHop, ...change });
  }

  #applyToSession(event: EventMessage): void {
    const subject = event.type === 'resumed' ? event.previous : event.session;
    if (!CHANGES_HOLDS.has(event.type) || subject === undefined) return;
    for (const holds of this.#holds.values()) {
      const { owner, igmp } = holds;
      if (owner?.session !== subject && igmp?.session !== subject) continue;
      this.#put({
        ...holds,
        owner: owner?.session === subject ? afterwards(owner, event) : owner,
        igmp: igmp?.session === subject ? afterwards(igmp, event) : igmp,
      });
    }
  }

  #put(holds: Holds): void {
    this.#sorted = undefined;
    const key = interfaceText(holds);
    if (holds.owner || holds.igmp) this.#holds.set(key, holds);
    else this.#holds.delete(key);
  }

  /** The owner, or IGMP if no routing protocol owns it. */
  #itemOf({ ifIndex, nextHop, owner, igmp }: Holds): InterfaceItem | undefined {
    const holder = owner ?? igmp;
    if (!holder) return undefined;
    const { protocolId, componentId, session, epoch, since, stale } = holder;
    const own = { protocolId, componentId, session, epoch, since, stale };
    const item = { ifIndex, nextHop, ...own, name: this.nameOf(session) };
    return owner && igmp ? { ...item, igmp } : item;
  }
}

const CHANGES_HOLDS: ReadonlySet<string> = new Set(['stale', 'expired', 'evicted', 'resumed']);

function holdOf(event: EventMessage): Hold | undefined {
  const { protocolId, componentId, session, epoch, ts: since } = event;
  if (protocolId === undefined || componentId === undefined) return undefined;
  if (session === undefined || epoch === undefined) return undefined;
  return { protocolId, componentId, session, epoch, since, stale: false };
}

function afterwards(hold: Hold, { type, session, epoch }: EventMessage): Hold | undefined {
  if (type === 'expired' || type === 'evicted') return undefined;
  if (type === 'stale') return { ...hold, stale: true };
  return { ...hold, session: session ?? hold.session, epoch: epoch ?? hold.epoch, stale: false };
}

const HOPS = new Intl.Collator('en', { numeric: true });

function byNumbers(a: InterfaceItem, b: InterfaceItem): number {
  return a.ifIndex - b.ifIndex || HOPS.compare(a.nextHop, b.nextHop);
}
