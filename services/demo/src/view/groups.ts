import type { WatchedMembership } from '@mgm/client';
import type { InterfaceKey, MembershipEvent } from '@mgm/protocol';

/** A group with members, as the view shows it. */
export interface GroupRow {
  /** `''` is the entry of all groups of IPv4, `'::'` that of IPv6. */
  readonly group: string;
  /** `''` is any source. */
  readonly source: string;
  /** The interfaces with members, ordered by index and next hop. */
  readonly interfaces: readonly InterfaceKey[];
}

interface Entry {
  readonly group: string;
  readonly source: string;
  /** The interface of each membership, by holder and interface. */
  readonly members: Map<string, InterfaceKey>;
}

type Holder = Pick<MembershipEvent, 'protocolId' | 'componentId'>;

/** The memberships of a router, from a snapshot and the changes since then. */
export class GroupBoard {
  readonly #entries = new Map<string, Entry>();

  /** Ordered by group and source. */
  get rows(): readonly GroupRow[] {
    const rows = Array.from(this.#entries.values(), ({ group, source, members }) => ({
      group,
      source,
      interfaces: distinct([...members.values()]),
    }));
    return rows.toSorted((a, b) => compare(a.group, b.group) || compare(a.source, b.source));
  }

  /** Replaces the state by a snapshot. */
  reset(memberships: readonly WatchedMembership[]): void {
    this.#entries.clear();
    for (const one of memberships) this.#add(one, one.group, one.source, one);
  }

  apply(event: MembershipEvent): void {
    for (const [group, source, ifIndex, nextHop] of event.items) {
      const key = { ifIndex, nextHop };
      if (event.type === 'joined') this.#add(event, group, source, key);
      else this.#remove(event, group, source, key);
    }
  }

  #add(holder: Holder, group: string, source: string, { ifIndex, nextHop }: InterfaceKey): void {
    const name = `${group} ${source}`;
    const entry = this.#entries.get(name) ?? { group, source, members: new Map() };
    this.#entries.set(name, entry);
    entry.members.set(memberText(holder, { ifIndex, nextHop }), { ifIndex, nextHop });
  }

  #remove(holder: Holder, group: string, source: string, key: InterfaceKey): void {
    const name = `${group} ${source}`;
    const entry = this.#entries.get(name);
    entry?.members.delete(memberText(holder, key));
    if (entry?.members.size === 0) this.#entries.delete(name);
  }
}

function memberText(
  { protocolId, componentId }: Holder,
  { ifIndex, nextHop }: InterfaceKey,
): string {
  return `${protocolId}/${componentId} ${ifIndex} ${nextHop}`;
}

const BY_NUMBERS = new Intl.Collator('en', { numeric: true });

function compare(a: string, b: string): number {
  return BY_NUMBERS.compare(a, b);
}

/** Several clients may have the same membership on one interface. */
function distinct(keys: readonly InterfaceKey[]): InterfaceKey[] {
  const byText = new Map(keys.map((key) => [`${key.ifIndex} ${key.nextHop}`, key]));
  return [...byText.values()].toSorted(
    (a, b) => a.ifIndex - b.ifIndex || compare(a.nextHop, b.nextHop),
  );
}
