import type { Entry, GroupText, InterfaceKey, SourceText } from '@mgm/protocol';
import { keyText } from '../interfaces/refs.ts';
import { entriesOf, type Filter, type FilteredEntry } from './filters.ts';
import type { EntryChange, Membership } from './refs.ts';

type OfGroup = Map<SourceText, Membership>;

/** The memberships of a session, as far as replies have told: what it adds again after a window or a recovery. */
export class MembershipRecord {
  readonly #interfaces = new Map<string, Map<GroupText, OfGroup>>();
  #mrev = 0;

  /** The highest membership revision seen in a reply. */
  get mrev(): number {
    return this.#mrev;
  }

  saw(mrev: number): void {
    this.#mrev = Math.max(this.#mrev, mrev);
  }

  get(key: InterfaceKey, { group, source }: Entry): Membership | undefined {
    return this.#interfaces.get(keyText(key))?.get(group)?.get(source);
  }

  has(key: InterfaceKey, entry: Entry): boolean {
    return this.get(key, entry) !== undefined;
  }

  /** A change is about to be sent. Returns whether the membership is on record; it no longer is if it is to be deleted. */
  begin(operation: string, key: InterfaceKey, entry: EntryChange): boolean {
    if (entry.forward) return false;
    if (operation === 'member.delete') return this.delete(key, entry);
    return this.has(key, entry);
  }

  /** An exclude list that is on record stays where `entry` has none. */
  add({ ifIndex, nextHop }: InterfaceKey, { group, source, exclude }: FilteredEntry): void {
    const text = keyText({ ifIndex, nextHop });
    const here = this.#interfaces.get(text) ?? new Map<GroupText, OfGroup>();
    const entries: OfGroup = here.get(group) ?? new Map();
    const list = exclude ?? entries.get(source)?.exclude;
    entries.set(source, { ifIndex, nextHop, group, source, ...(list && { exclude: list }) });
    this.#interfaces.set(text, here.set(group, entries));
  }

  /** A filter was set: what was on record of its group on the interface is replaced. */
  replace(key: InterfaceKey, any: Entry, filter: Filter): void {
    for (const one of this.ofGroup(key, any.group)) this.delete(key, one);
    for (const entry of entriesOf(any, filter)) this.add(key, entry);
  }

  /** Returns whether it was on record. */
  delete(key: InterfaceKey, { group, source }: Entry): boolean {
    const text = keyText(key);
    const here = this.#interfaces.get(text);
    const entries = here?.get(group);
    const had = entries?.delete(source) ?? false;
    if (entries?.size === 0) here?.delete(group);
    if (here?.size === 0) this.#interfaces.delete(text);
    return had;
  }

  /** The hold of the interface is over, and with it all memberships there. */
  drop(key: InterfaceKey): void {
    this.#interfaces.delete(keyText(key));
  }

  /** The memberships of one group on one interface. */
  ofGroup(key: InterfaceKey, group: GroupText): Membership[] {
    return [...(this.#interfaces.get(keyText(key))?.get(group)?.values() ?? [])];
  }

  /** The memberships on one interface. */
  on(key: InterfaceKey): Membership[] {
    return flattened(this.#interfaces.get(keyText(key)) ?? new Map());
  }

  all(): Membership[] {
    return [...this.#interfaces.values()].flatMap(flattened);
  }
}

function flattened(groups: ReadonlyMap<GroupText, OfGroup>): Membership[] {
  return [...groups.values()].flatMap((entries) => [...entries.values()]);
}
