import { entryName } from '@mgm/protocol';
import type { AlertItem } from './alerts.ts';
import type { ListedEntry } from './listings.ts';

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
