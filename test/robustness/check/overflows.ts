import type { Timed } from '../traffic/history.ts';
import type { Evidence, Finding } from './evidence.ts';

/** Unacknowledged alert items that a mailbox keeps. */
const ITEMS_MAX = 65_536;
/** More than any atomic step of a run adds. */
const STEP_MAX = 1_024;

/**
 * A mailbox keeps at most 65 536 alert items and those of one atomic step (V6). Above that a session gets a RESYNC, and no alerts
 * until it has acknowledged it (membership contract, section 5.6).
 */
export function checkOverflows({ router, processes }: Evidence): Finding {
  const mailboxes = new Map<number, Mailbox>();
  const problems: string[] = [];
  for (const entry of processes.flatMap(({ entries }) => entries)) {
    if (entry.kind !== 'alert' && entry.kind !== 'acknowledges') continue;
    const { session, seq } = entry;
    const mailbox = mailboxes.get(session) ?? new Mailbox();
    mailboxes.set(session, mailbox);
    if (entry.kind === 'acknowledges') mailbox.acknowledged(seq);
    const problem = entry.kind === 'alert' ? mailbox.alerted(entry) : undefined;
    if (problem) problems.push(`${router}: session ${session}: ${problem}`);
  }
  const checked = [...mailboxes.values()].reduce((sum, { resyncs }) => sum + resyncs, 0);
  return { check: 'mailbox overflows', checked, problems };
}

/** The alerts of one session, as it handled them. */
class Mailbox {
  resyncs = 0;
  #unacknowledged: { readonly seq: number; readonly items: number }[] = [];
  /** Items since the last RESYNC: the managers may know of no later acknowledgement. */
  #sinceResync = 0;
  /** The number of a RESYNC that is not acknowledged. */
  #resync: number | undefined;

  acknowledged(seq: number): void {
    if (this.#resync !== undefined && seq >= this.#resync) this.#resync = undefined;
    this.#unacknowledged = this.#unacknowledged.filter((one) => one.seq > seq);
  }

  /** Returns what is wrong with an alert. */
  alerted({ seq, type, entries }: Timed & { readonly kind: 'alert' }): string | undefined {
    if (this.#resync !== undefined) {
      return `${type} ${seq} follows RESYNC ${this.#resync}, which was not acknowledged`;
    }
    if (type === 'RESYNC') {
      const items = this.#sinceResync;
      [this.#resync, this.#sinceResync] = [seq, 0];
      this.resyncs++;
      return items > ITEMS_MAX ? undefined : `RESYNC ${seq} after only ${items} items`;
    }
    this.#sinceResync += entries.length;
    this.#unacknowledged.push({ seq, items: entries.length });
    const kept = this.#unacknowledged.reduce((sum, { items }) => sum + items, 0);
    return kept > ITEMS_MAX + STEP_MAX ? `${kept} unacknowledged items up to ${seq}` : undefined;
  }
}
