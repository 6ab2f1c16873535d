import type { Chance } from '../../support/chance.ts';

/** A (\*,g), an (s,g) or a (\*,\*), as requests and messages name it. */
export type EntryPair = readonly [group: string, source: string];

/** Few enough that the workers often have memberships of the same entry. */
const ENTRIES: readonly EntryPair[] = [
  ['', ''],
  ['239.1.1.1', ''],
  ['239.1.1.2', ''],
  ['239.1.1.3', ''],
  ['239.1.1.1', '192.0.2.1'],
  ['ff0e::1', ''],
];
const BULK_MAX = 4;

/** One entry as text. */
export function entryText([group, source]: readonly unknown[]): string {
  return `${String(group)} ${String(source)}`;
}

/** Whether the workers may be alerted of it: not an (s,g). */
export function raisesAlerts(entry: string): boolean {
  return entry.endsWith(' ');
}

/** A random change of memberships. */
export interface MembershipPlan {
  readonly operation: 'member.add' | 'member.delete';
  /** Different ones. */
  readonly elements: readonly { readonly ifIndex: number; readonly entry: EntryPair }[];
}

/** Adds more often than it deletes: the ends of holds delete, too. */
export function chooseChange(chance: Chance, interfaces: readonly number[]): MembershipPlan {
  const operation = chance.next() < 0.65 ? 'member.add' : 'member.delete';
  const chosen = new Map<string, { ifIndex: number; entry: EntryPair }>();
  for (let left = chance.between(1, BULK_MAX); left > 0; left--) {
    const [ifIndex, entry] = [chance.one(interfaces), chance.one(ENTRIES)];
    chosen.set(`${ifIndex} ${entryText(entry)}`, { ifIndex, entry });
  }
  return { operation, elements: [...chosen.values()] };
}
