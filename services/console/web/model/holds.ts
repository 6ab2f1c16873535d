import {
  holdAfter,
  holdAfterSessionEvent,
  interfaceText,
  isIgmp,
  roleOfChangedHold,
  sessionOfChangedHolds,
} from '@mgm/protocol';
import type { EventHold, EventMessage, InterfaceItem } from '@mgm/protocol';

interface Holds {
  readonly ifIndex: number;
  readonly nextHop: InterfaceItem['nextHop'];
  readonly owner?: EventHold | undefined;
  readonly igmp?: EventHold | undefined;
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
    const { ifIndex, nextHop } = event;
    if (ifIndex === undefined || nextHop === undefined) return this.#applyToSession(event);
    const role = roleOfChangedHold(event);
    if (role === undefined) return;
    const before = this.#holds.get(interfaceText({ ifIndex, nextHop }));
    this.#put({ ...before, ifIndex, nextHop, [role]: holdAfter(event) });
  }

  #applyToSession(event: EventMessage): void {
    const subject = sessionOfChangedHolds(event);
    if (subject === undefined) return;
    for (const holds of this.#holds.values()) {
      const { owner, igmp } = holds;
      if (owner?.session !== subject && igmp?.session !== subject) continue;
      this.#put({
        ...holds,
        owner: owner?.session === subject ? holdAfterSessionEvent(owner, event) : owner,
        igmp: igmp?.session === subject ? holdAfterSessionEvent(igmp, event) : igmp,
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

const HOPS = new Intl.Collator('en', { numeric: true });

function byNumbers(a: InterfaceItem, b: InterfaceItem): number {
  return a.ifIndex - b.ifIndex || HOPS.compare(a.nextHop, b.nextHop);
}
