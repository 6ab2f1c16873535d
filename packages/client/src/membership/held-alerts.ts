import { entryName } from '@mgm/protocol';
import type { AlertItem, PruneAlertItem } from './alerts.ts';
import type { ListedEntry } from './listings.ts';
import { entryText } from './refs.ts';

/** Held items of one session. The oldest of more become due. */
const HELD_MAX = 65_536;

interface Held {
  readonly item: PruneAlertItem;
  readonly dueMono: number;
}

/**
 * Holds back the alerts of an IGMP window, in which every group is pruned and joined again in quick succession. Membership
 * contract, section 7.3. Pure: its user passes the time, and delivers what it returns.
 *
 * Of each entry, at most one PRUNE is held:
 *
 * - delivered or dropped → HELD when a PRUNE with `window` is reached and no enumeration is open (rule 1).
 * - HELD → cancelled when a JOIN of the entry is reached in time: neither is delivered (rule 2).
 * - HELD → DUE when the time is over, when there are too many (rule 3), or when an enumeration opens (rule 4).
 * - HELD → discarded when a further PRUNE of the entry is reached (rule 3), or all are discarded (rule 5).
 * - DUE → delivered, before any later item; or dropped, if the reader of an enumeration has seen a newer state (rule 4).
 *
 * What never happens: a JOIN that is delivered before an earlier PRUNE of its entry.
 */
export class HeldAlerts {
  readonly #holdMs: number;
  readonly #heldMax: number;
  /** By entry, in the order in which they are due. */
  readonly #held = new Map<string, Held>();
  #due: PruneAlertItem[] = [];
  readonly #open = new Set<ReadPages>();
  /** Enumerations that are over, while alerts may arrive that are older than their pages. */
  #closed: ReadPages[] = [];
  #reached = 0;

  /** @param holdMs how long an item is held; 0 switches that off */
  constructor(holdMs: number, heldMax: number = HELD_MAX) {
    this.#holdMs = holdMs;
    this.#heldMax = heldMax;
  }

  /** When the next held item becomes due; `-Infinity` if one is due, `Infinity` if none is held. */
  get nextDueMono(): number {
    if (this.#due.length > 0) return -Infinity;
    return this.#held.values().next().value?.dueMono ?? Infinity;
  }

  /** Removes the oldest due item. To be called until there is none before an item is reached. */
  takeDue(nowMono: number): PruneAlertItem | undefined {
    for (const [entry, { item, dueMono }] of this.#held) {
      if (dueMono > nowMono) break;
      this.#held.delete(entry);
      this.#due.push(item);
    }
    for (let item = this.#due.shift(); item; item = this.#due.shift()) {
      if (!this.#isOlderThanPage(item)) return this.#deliver(item);
    }
    return undefined;
  }

  /** An item is reached, in the order of callbacks. Returns what is to be delivered now, in order. */
  reach(item: AlertItem, nowMono: number): AlertItem[] {
    if (item.type !== 'JOIN_ALERT' && item.type !== 'PRUNE_ALERT') return [item];
    // Enumerations say nothing about forwarding entries.
    if (item.incarnation === undefined && this.#isOlderThanPage(item)) return [];
    const entry = entryText(item);
    const held = this.#held.get(entry);
    this.#held.delete(entry);
    if (held && held.dueMono <= nowMono) {
      return [this.#deliver(held.item), ...this.reach(item, nowMono)];
    }
    if (item.type === 'PRUNE_ALERT') {
      return this.#hold(entry, item, nowMono) ? [] : [this.#deliver(item)];
    }
    if (!held) return [this.#deliver(item)];
    return item.memberUpdate ? [] : [this.#deliver(held.item), this.#deliver(item)];
  }

  /** All items up to this number of a callback were reached. */
  reached(seq: number): void {
    this.#reached = seq;
    if (this.#closed.length > 0) this.#forget();
  }

  /** An enumeration is opened: all held items are due. */
  open(): ReadPages {
    const pages = new ReadPages();
    this.#open.add(pages);
    this.#due.push(...[...this.#held.values()].map(({ item }) => item));
    this.#held.clear();
    return pages;
  }

  /** The enumeration is over, or was left. */
  close(pages: ReadPages): void {
    this.#open.delete(pages);
    this.#closed.push(pages);
    this.#forget();
  }

  /** Discards all held items: the caller enumerates again, or the session is over. */
  discard(): void {
    this.#held.clear();
    this.#due = [];
  }

  #hold(entry: string, item: PruneAlertItem, nowMono: number): boolean {
    if (item.window !== true || this.#holdMs === 0 || this.#open.size > 0) return false;
    this.#held.set(entry, { item, dueMono: nowMono + this.#holdMs });
    if (this.#held.size <= this.#heldMax) return true;
    for (const [oldest, held] of this.#held) {
      this.#held.delete(oldest);
      this.#due.push(held.item);
      break;
    }
    return true;
  }

  #deliver<Item extends WantItem>(item: Item): Item {
    for (const pages of this.#open) pages.delivers(item);
    return item;
  }

  #isOlderThanPage(item: WantItem): boolean {
    for (const pages of this.#open) if (pages.isNewerThan(item)) return true;
    return this.#closed.some((pages) => pages.isNewerThan(item));
  }

  #forget(): void {
    this.#closed = this.#closed.filter(({ lastMailbox }) => lastMailbox > this.#reached);
  }
}

/** An entry of an alert: JOIN and PRUNE say whether others want it, and of an (s,g) whether the session is notified. */
export type WantItem = Extract<AlertItem, { readonly type: 'JOIN_ALERT' | 'PRUNE_ALERT' }>;

/**
 * The pages of one enumeration, as far as its reader has seen them. An alert is older than the listing if its number is at
 * most the `mailbox` of the page on which its entry is, or would be. Membership contract, section 5.7.
 *
 * An entry between the last item of a page and the first one of the next page may have belonged to either: it counts for
 * the earlier one, because an alert that is delivered needlessly is followed by those that correct it.
 */
export class ReadPages {
  /** The name of the first entry of each page, and the number up to which alerts are older than the page. */
  readonly #pages: { readonly from: string; readonly mailbox: number }[] = [];
  /** What alerts said that were delivered while the enumeration was open: by entry. */
  readonly #news = new Map<string, { readonly seq: number; readonly isJoin: boolean }>();
  #seenUpTo: string | undefined;
  #isComplete = false;

  /** Alerts with a higher number are newer than all pages. */
  get lastMailbox(): number {
    return this.#pages.at(-1)?.mailbox ?? 0;
  }

  /** A page was read. */
  page(items: readonly ListedEntry[], mailbox: number): void {
    const [first] = items;
    const isFirst = this.#pages.length === 0;
    if (isFirst) this.#pages.push({ from: '', mailbox });
    else if (first) this.#pages.push({ from: entryName(first), mailbox });
  }

  /** The reader sees this entry: with what alerts said about it since its page was read. */
  see(entry: ListedEntry): ListedEntry {
    const name = entryName(entry);
    this.#seenUpTo = name;
    const news = this.#news.get(name);
    if (!news || news.seq <= this.#mailboxOf(name)) return entry;
    if (entry.notified === undefined) return { ...entry, others: news.isJoin };
    return { ...entry, notified: news.isJoin };
  }

  /** The reader has seen that there are no further entries. */
  complete(): void {
    this.#isComplete = true;
  }

  /** An alert is delivered. */
  delivers(item: WantItem): void {
    const isJoin = item.type === 'JOIN_ALERT';
    this.#news.set(entryName(item), { seq: item.seq, isJoin });
  }

  /** Whether the reader has seen a state of the entry that is newer than the alert. */
  isNewerThan(item: WantItem): boolean {
    if (item.seq > this.lastMailbox) return false;
    const name = entryName(item);
    const isSeen = this.#isComplete || (this.#seenUpTo !== undefined && name <= this.#seenUpTo);
    return isSeen && item.seq <= this.#mailboxOf(name);
  }

  #mailboxOf(name: string): number {
    return this.#pages.findLast(({ from }) => from <= name)?.mailbox ?? 0;
  }
}
