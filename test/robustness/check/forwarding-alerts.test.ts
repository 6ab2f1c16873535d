import type { InterfaceItem, ListedMembership } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../traffic/history.ts';
import { checkFalseAlerts, checkNotified } from './forwarding-alerts.ts';
import {
  type Edits,
  evidenceOf,
  HOLDS,
  IGMP,
  MEMBER,
  MFE,
  OTHER,
  PIM,
} from './forwarding-evidence.ts';

const NAME = `${MFE.group} ${MFE.source}`;
const ROUTES = [
  { network: '10.0.0.0', length: 8, ifIndex: 1, nextHop: '', best: true },
  { network: '10.0.0.0', length: 8, ifIndex: 2, nextHop: '', best: false },
  { network: '10.9.0.0', length: 16, ifIndex: 2, nextHop: '', best: true },
  { network: '2001:db8::', length: 32, ifIndex: 2, nextHop: '', best: true },
];
const EXACT = { ...MEMBER, source: MFE.source } as ListedMembership;

const groups = (...notified: readonly string[]): Entry => ({
  kind: 'groups',
  session: PIM,
  mailbox: 0,
  wanted: [],
  notified,
});
const alert = (seq: number, type: string, incarnation?: number): Entry => ({
  ...{ kind: 'alert', session: PIM, seq, type, entries: [NAME] },
  ...(incarnation !== undefined && { incarnations: [incarnation] }),
});

const ofNotified = (edits: Edits): readonly string[] =>
  checkNotified(evidenceOf({ routes: ROUTES, members: [EXACT], ...edits })).problems;

describe('the check of what owners were notified of', () => {
  it('accepts what a listing or a TRUE alert told, and counts it', () => {
    const [listed, alerted] = [[groups(NAME)], [groups(), alert(1, 'JOIN_ALERT')]];
    expect(ofNotified({ pim: listed })).toEqual([]);
    expect(ofNotified({ pim: alerted })).toEqual([]);
    const finding = checkNotified(evidenceOf({ routes: ROUTES, members: [EXACT], pim: listed }));
    expect(finding.checked).toBe(1);
  });

  it('rejects an (s,g) that its owner was not notified of, or no longer (W1)', () => {
    expect(ofNotified({ pim: [groups()] })).toHaveLength(1);
    expect(ofNotified({ pim: [groups(NAME), alert(1, 'PRUNE_ALERT')] })).toHaveLength(1);
    expect(ofNotified({ pim: [groups(), alert(1, 'JOIN_ALERT FALSE', 50)] })).toHaveLength(1);
  });

  it('rejects one that no other client wants, or of which another client had to be notified (W1)', () => {
    const pim = [groups(NAME)];
    expect(ofNotified({ pim, members: [] })).toHaveLength(1);
    for (const change of [{ session: PIM }, { countsFor: PIM }, { countsFor: 0 }]) {
      const member = { ...EXACT, ...change } as ListedMembership;
      expect(ofNotified({ pim, members: [member] })).toHaveLength(1);
      expect(ofNotified({ pim: [groups()], members: [member] })).toEqual([]);
    }
    expect(ofNotified({ pim, routes: [] })).toHaveLength(1);
    const [, igmp] = HOLDS as [InterfaceItem, InterfaceItem];
    expect(ofNotified({ pim, listing: [igmp] })).toHaveLength(1);
    const longer = { ...ROUTES[0], network: '10.0.0.1', length: 32, ifIndex: 2 };
    expect(ofNotified({ pim, routes: [...ROUTES, longer] as typeof ROUTES })).toHaveLength(1);
  });

  it('judges nothing after a RESYNC without a listing', () => {
    expect(ofNotified({ pim: [groups(), alert(1, 'RESYNC')] })).toEqual([]);
  });
});

const ofFalse = (pim: readonly Entry[], edits: Edits = {}): readonly string[] =>
  checkFalseAlerts(evidenceOf({ pim: [groups(), ...pim], ...edits })).problems;

describe('the check of FALSE alerts', () => {
  const [join, prune] = [alert(1, 'JOIN_ALERT FALSE', 50), alert(2, 'PRUNE_ALERT FALSE', 50)];
  const again = alert(3, 'JOIN_ALERT FALSE', 50);
  const local = { ...MFE, foreignAlerted: false };

  it('accepts alternating ones that agree with the listing, and counts them', () => {
    expect(ofFalse([join, prune, again])).toEqual([]);
    const finding = checkFalseAlerts(evidenceOf({ pim: [groups(), join, prune, again] }));
    expect(finding.checked).toBe(3);
  });

  it('rejects a second one of the same type', () => {
    expect(ofFalse([join, alert(2, 'JOIN_ALERT FALSE', 50)])).toHaveLength(1);
    expect(ofFalse([join, alert(2, 'RESYNC'), alert(3, 'JOIN_ALERT FALSE', 50)])).toEqual([]);
  });

  it('rejects one of an incarnation that the session never owned', () => {
    expect(ofFalse([join, alert(2, 'JOIN_ALERT FALSE', 51)])).toHaveLength(1);
    const messages = [{ first: 1, last: 1, items: [['set', { ...MFE, session: IGMP }]] }] as const;
    expect(ofFalse([join], { messages })).toHaveLength(1);
  });

  it('rejects a last one that the listing contradicts, and a missing one (W2)', () => {
    expect(ofFalse([join, prune])).toHaveLength(1);
    expect(ofFalse([])).toHaveLength(1);
    expect(ofFalse([alert(1, 'RESYNC')])).toEqual([]);
    // It inherited the entry, and its predecessor was alerted.
    const messages = [
      {
        first: 1,
        last: 2,
        items: [
          ['set', { ...MFE, session: 99 }],
          ['set', MFE],
        ],
      },
    ] as const;
    expect(ofFalse([], { messages })).toEqual([]);
  });

  it('rejects `foreignAlerted` without foreign outgoing interfaces, and the opposite (W2)', () => {
    expect(ofFalse([join, prune], { entries: [local] })).toHaveLength(1);
    const own = HOLDS.map((one) => ({ ...one, session: PIM })) as InterfaceItem[];
    expect(ofFalse([join], { listing: own })).toHaveLength(1);
    expect(ofFalse([join, prune], { entries: [local], listing: own })).toEqual([]);
    expect(ofFalse([join], { entries: [MFE, { ...OTHER, foreignAlerted: true }] })).toHaveLength(2);
  });
});
