import { describe, expect, it } from 'vitest';
import type { AlertItem, JoinAlertItem, PruneAlertItem } from './alerts.ts';
import { HeldAlerts } from './held-alerts.ts';
import type { ListedEntry } from './listings.ts';

const HOLD_MS = 1_000;
const G1 = '239.0.0.1';
const G2 = '239.0.0.2';
const G3 = '239.0.0.3';

let lastSeq = 0;

function prune(group: string, seq = ++lastSeq, window = true): PruneAlertItem {
  return {
    ...{ seq, ts: 1, type: 'PRUNE_ALERT', group, source: '', mrev: 1, cause: 'take' },
    ...{ memberDelete: true, ifIndex: 1, nextHop: '', covered: false, ...(window && { window }) },
  } as PruneAlertItem;
}

function join(group: string, seq = ++lastSeq, memberUpdate = true): JoinAlertItem {
  const fields = { seq, ts: 1, type: 'JOIN_ALERT', group, source: '', mrev: 1, cause: 'member' };
  return { ...fields, memberUpdate } as JoinAlertItem;
}

function local(group: string, seq = ++lastSeq): AlertItem {
  const fields = { seq, ts: 1, type: 'LOCAL_LEAVE', group, source: '', ifIndex: 1, nextHop: '' };
  return { ...fields, mrev: 1, cause: 'member' } as unknown as AlertItem;
}

function listed(group: string, others = true): ListedEntry {
  const entry = { group, source: '', clients: 1, others, own: false, local: false };
  return entry as unknown as ListedEntry;
}

/** All due items. */
function dueAt(alerts: HeldAlerts, nowMono: number): AlertItem[] {
  const due: AlertItem[] = [];
  for (let item = alerts.takeDue(nowMono); item; item = alerts.takeDue(nowMono)) due.push(item);
  return due;
}

describe('rule 1: a PRUNE item', () => {
  it('of a window is held until its time is over', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const item = prune(G1);
    expect(alerts.reach(item, 0)).toEqual([]);
    expect(alerts.nextDueMono).toBe(HOLD_MS);
    expect(dueAt(alerts, HOLD_MS - 1)).toEqual([]);
    expect(dueAt(alerts, HOLD_MS)).toEqual([item]);
    expect(alerts.nextDueMono).toBe(Infinity);
  });

  it('without a window is delivered at once', () => {
    const item = prune(G1, 1, false);
    expect(new HeldAlerts(HOLD_MS).reach(item, 0)).toEqual([item]);
  });

  it('is delivered at once if holding is switched off', () => {
    const item = prune(G1);
    expect(new HeldAlerts(0).reach(item, 0)).toEqual([item]);
  });

  it('is delivered at once while an enumeration is open', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const pages = alerts.open();
    const item = prune(G1);
    expect(alerts.reach(item, 0)).toEqual([item]);
    alerts.close(pages);
    expect(alerts.reach(prune(G2), 0)).toEqual([]);
  });

  it('does not hold back alerts of other entries, nor LOCAL alerts of its own', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    alerts.reach(prune(G1), 0);
    const others = [join(G2), local(G1), prune(G3, ++lastSeq, false)];
    expect(others.flatMap((item) => alerts.reach(item, 1))).toEqual(others);
  });
});

describe('rule 2: a JOIN item', () => {
  it('cancels the held PRUNE of its entry if it is reached in time', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    alerts.reach(prune(G1), 0);
    expect(alerts.reach(join(G1), HOLD_MS - 1)).toEqual([]);
    expect(dueAt(alerts, 10 * HOLD_MS)).toEqual([]);
  });

  it('of another entry cancels nothing', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const item = prune(G1);
    alerts.reach(item, 0);
    const wider = join('');
    expect(alerts.reach(wider, 1)).toEqual([wider]);
    expect(dueAt(alerts, HOLD_MS)).toEqual([item]);
  });

  it('that is reached too late follows the PRUNE, also if no timer has run', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const [first, second] = [prune(G1), join(G1)];
    alerts.reach(first, 0);
    expect(alerts.reach(second, HOLD_MS)).toEqual([first, second]);
  });

  it('that is not because of memberships cancels nothing and follows the PRUNE', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const [first, second] = [prune(G1), join(G1, ++lastSeq, false)];
    alerts.reach(first, 0);
    expect(alerts.reach(second, 1)).toEqual([first, second]);
  });
});

describe('rule 3: a held item', () => {
  it('is discarded by a further PRUNE of its entry, which is treated by itself', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    alerts.reach(prune(G1), 0);
    const second = prune(G1);
    expect(alerts.reach(second, 600)).toEqual([]);
    expect(dueAt(alerts, HOLD_MS)).toEqual([]);
    expect(dueAt(alerts, 600 + HOLD_MS)).toEqual([second]);
    alerts.reach(prune(G2), 0);
    const plain = prune(G2, ++lastSeq, false);
    expect(alerts.reach(plain, 1)).toEqual([plain]);
    expect(dueAt(alerts, 10 * HOLD_MS)).toEqual([]);
  });

  it('becomes due if there are too many, the oldest first', () => {
    const alerts = new HeldAlerts(HOLD_MS, 2);
    const items = [prune(G1), prune(G2), prune(G3)];
    for (const item of items) expect(alerts.reach(item, 0)).toEqual([]);
    expect(alerts.nextDueMono).toBe(-Infinity);
    expect(dueAt(alerts, 0)).toEqual([items[0]]);
    expect(dueAt(alerts, HOLD_MS)).toEqual([items[1], items[2]]);
  });
});

describe('rule 4: an enumeration', () => {
  it('makes all held items due, in order', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const items = [prune(G2), prune(G1)];
    for (const item of items) alerts.reach(item, 0);
    alerts.open();
    expect(dueAt(alerts, 0)).toEqual(items);
  });

  it('drops what is older than the page that was read, and delivers what is newer', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    alerts.reach(prune(G1, 5), 0);
    alerts.reach(prune(G3, 5), 0);
    const pages = alerts.open();
    const page = [listed(G1), listed(G2)];
    pages.page(page, 7);
    for (const entry of page) pages.see(entry);
    // The entry of the other item is not on a page yet.
    expect(dueAt(alerts, 0)).toMatchObject([{ group: G3 }]);
    expect(alerts.reach(join(G2, 7), 0)).toEqual([]);
    expect(alerts.reach(join(G2, 8), 0)).toMatchObject([{ seq: 8 }]);
    expect(alerts.reach(join(G3, 7), 0)).toMatchObject([{ seq: 7 }]);
    pages.complete();
    expect(alerts.reach(prune(G3, 7, false), 0)).toEqual([]);
    alerts.close(pages);
    expect(alerts.reach(join(G2, 7), 0)).toEqual([]);
  });

  it('compares an entry that is not listed with the page on which it would be', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const pages = alerts.open();
    const all = [listed(G1), listed(G3)];
    pages.page(all.slice(0, 1), 7);
    pages.see(listed(G1));
    pages.page(all.slice(1), 9);
    pages.see(listed(G3));
    expect(alerts.reach(join(G2, 8), 0)).toMatchObject([{ seq: 8 }]);
    expect(alerts.reach(join(G2, 7), 0)).toEqual([]);
    expect(alerts.reach(join(G3, 9), 0)).toEqual([]);
    expect(alerts.reach(join(G3, 10), 0)).toMatchObject([{ seq: 10 }]);
    expect(alerts.reach(join('', 7), 0)).toEqual([]);
  });

  it('that was left counts as far as its reader came', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const pages = alerts.open();
    pages.page([listed(G1), listed(G2)], 7);
    pages.see(listed(G1));
    alerts.close(pages);
    expect(alerts.reach(join(G1, 6), 0)).toEqual([]);
    expect(alerts.reach(join(G2, 6), 0)).toMatchObject([{ seq: 6 }]);
  });

  it('shows an entry as the alerts say that were delivered after its page was read', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const pages = alerts.open();
    alerts.reach(prune(G1, 6, false), 0);
    alerts.reach(prune(G2, 8, false), 0);
    alerts.reach(join(G3, 8), 0);
    pages.page([listed(G1), listed(G2), listed(G3, false)], 7);
    const seen = [listed(G1), listed(G2), listed(G3, false)].map((entry) => pages.see(entry));
    expect(seen.map(({ others }) => others)).toEqual([true, false, true]);
  });

  it('is forgotten when all alerts were reached that may be older', () => {
    const alerts = new HeldAlerts(HOLD_MS);
    const pages = alerts.open();
    pages.page([], 7);
    pages.complete();
    alerts.close(pages);
    alerts.reached(6);
    expect(alerts.reach(join(G1, 7), 0)).toEqual([]);
    alerts.reached(7);
    expect(alerts.reach(join(G1, 7), 0)).toMatchObject([{ seq: 7 }]);
  });
});

describe('rule 5: held and due items', () => {
  it('are discarded together', () => {
    const alerts = new HeldAlerts(HOLD_MS, 1);
    alerts.reach(prune(G1), 0);
    alerts.reach(prune(G2), 0);
    alerts.discard();
    expect(alerts.nextDueMono).toBe(Infinity);
    expect(dueAt(alerts, 10 * HOLD_MS)).toEqual([]);
    const after = join(G1);
    expect(alerts.reach(after, 0)).toEqual([after]);
  });
});
