import type { Entry, InterfaceKey } from '@mgm/protocol';
import { keyText } from '../interfaces/key.ts';
import { entryText, type EntryChange, type Membership } from './refs.ts';

/** The memberships of a session, as far as replies have told: what it adds again after a window or a recovery. */
export class MembershipRecord {
  readonly #interfaces = new Map<string, Map<string, Membership>>();
  #mrev = 0;

  /** The highest membership revision seen in a reply. */
  get mrev(): number {
    return this.#mrev;
  }

  saw(mrev: number): void {
    this.#mrev = Math.max(this.#mrev, mrev);
  }

  has(key: InterfaceKey, entry: Entry): boolean {
    return this.#interfaces.get(keyText(key))?.has(entryText(entry)) ?? false;
  }

  /** A change is about to be sent. Returns whether the membership is on record; it no longer is if it is to be deleted. */
  begin(operation: string, key: InterfaceKey, entry: EntryChange): boolean {
    if (entry.forward) return false;
    if (operation === 'member.delete') return this.delete(key, entry);
    return this.has(key, entry);
  }

  add({ ifIndex, nextHop }: InterfaceKey, { group, source }: Entry): void {
    const membership = { ifIndex, nextHop, group, source };
    const text = keyText(membership);
    const here = this.#interfaces.get(text) ?? new Map<string, Membership>();
    this.#interfaces.set(text, here.set(entryText(membership), membership));
  }

  /** Returns whether it was on record. */
  delete(key: InterfaceKey, entry: Entry): boolean {
    const text = keyText(key);
    const here = this.#interfaces.get(text);
    const had = here?.delete(entryText(entry)) ?? false;
    if (here?.size === 0) this.#interfaces.delete(text);
    return had;
  }

  /** The hold of the interface is over, and with it all memberships there. Returns them. */
  drop(key: InterfaceKey): Membership[] {
    const dropped = this.on(key);
    this.#interfaces.delete(keyText(key));
    return dropped;
  }

  /** The memberships on one interface. */
  on(key: InterfaceKey): Membership[] {
    return [...(this.#interfaces.get(keyText(key))?.values() ?? [])];
  }

  all(): Membership[] {
    return [...this.#interfaces.values()].flatMap((here) => [...here.values()]);
  }
}
