import type { InterfaceItem, ListedMembership } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import type { Entry, Forwarding, PushedItem } from '../traffic/history.ts';
import type { Evidence } from './evidence.ts';
import {
  type Edits,
  DEL,
  evidenceOf,
  HOLDS,
  IGMP,
  LOG,
  MEMBER,
  MESSAGES,
  MFE,
  OTHER,
  PIM,
} from './forwarding-evidence.ts';
import { checkAgents, checkForwardingEntries, checkForwardingLog } from './forwarding.ts';
import { checkStored } from './stored-memberships.ts';

function push(first: number, ...items: readonly PushedItem[]): Entry {
  return { kind: 'push', first, items };
}

function table(frev: number, ...entries: readonly Forwarding[]): Entry {
  return { kind: 'table', log: LOG, frev, entries };
}

/** A read of `mfe.list` by the agent. */
function listed(...entries: readonly Forwarding[]): Entry[] {
  return [
    { kind: 'invoked', id: 'agent#1', op: 'mfe.list' },
    { kind: 'returned', id: 'agent#1', told: 'listed', entries },
  ];
}

/** It missed the first push. */
const AGENT: readonly Entry[] = [
  push(2, ['set', MFE], DEL),
  ...listed(MFE),
  table(2, MFE, OTHER),
  table(3, MFE),
];

function evidence({ agent = AGENT, ...edits }: Edits = {}): Evidence {
  return evidenceOf({ agent, ...edits });
}

const logged = (edits: Edits): readonly string[] => checkForwardingLog(evidence(edits)).problems;
const ofAgents = (edits: Edits): readonly string[] => checkAgents(evidence(edits)).problems;
const ofEntries = (edits: Edits): readonly string[] =>
  checkForwardingEntries(evidence(edits)).problems;

describe('the checks of forwarding entries', () => {
  it('accept a correct history and cover all of it', () => {
    const checks = [checkForwardingLog, checkAgents, checkForwardingEntries, checkStored];
    const findings = checks.map((check) => check(evidence()));
    expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
    expect(findings.map(({ checked }) => checked)).toEqual([3, 1, 2, 1]);
  });

  it('reject a log with a gap, with a missing item, or that ends before the listing (W4)', () => {
    const [one, two] = MESSAGES;
    expect(logged({ messages: [one, { ...two, first: 3, last: 4 }] })).toContain(
      'r: frev 3 follows 1',
    );
    expect(logged({ messages: [one, { ...two, items: [DEL] }] })).toContain(
      'r: frev 2 to 3 has 1 items',
    );
    expect(logged({ messages: [one], agent: [] })).toContain(
      'r: the log ends at 1, the listing is as of 3',
    );
  });

  it('reject a log that does not give the listing (W4)', () => {
    expect(logged({ entries: [MFE, OTHER] })).toHaveLength(1);
    expect(logged({ entries: [] })).toHaveLength(1);
    expect(logged({ entries: [{ ...MFE, oifs: [] }] })).toHaveLength(2);
  });

  it('reject a push that differs from the log, or is not in it (W4)', () => {
    expect(logged({ agent: [push(2, DEL)] })).toHaveLength(1);
    expect(logged({ agent: [push(4, DEL)] })).toHaveLength(1);
  });

  it('reject a table of a resting agent that is not the listing (W5)', () => {
    expect(ofAgents({ agent: [table(3)] })).toHaveLength(1);
    expect(ofAgents({ agent: [table(3, MFE, OTHER)] })).toHaveLength(1);
    expect(ofAgents({ agent: [table(3, { ...MFE, iifEpoch: '10' })] })).toHaveLength(2);
    expect(ofAgents({ agent: [table(2, MFE)] })).toHaveLength(1);
    expect(ofAgents({ agent: [] })).toEqual(['r: agent: rests without a table']);
  });

  it('reject an entry that an agent first received after a higher epoch of its interface (W5)', () => {
    const late = { ...OTHER, iifEpoch: '10' };
    const pushes = [push(1, ['set', MFE]), push(2, ['set', late])];
    expect(ofAgents({ agent: [...pushes, table(2, MFE, late), table(3, MFE)] })).toHaveLength(1);
    expect(ofAgents({ agent: [...pushes, table(2, MFE), table(3, MFE)] })).toEqual([]);
    const repeated = [push(1, ['set', late]), ...pushes];
    expect(ofAgents({ agent: [...repeated, table(2, MFE, late), table(3, MFE)] })).toEqual([]);
  });

  it('reject an incoming interface that its owner does not hold, or under another epoch (W3)', () => {
    const [pim, igmp] = HOLDS as [InterfaceItem, InterfaceItem];
    expect(ofEntries({ listing: [igmp] })).toHaveLength(1);
    expect(ofEntries({ listing: [{ ...pim, epoch: '12' } as InterfaceItem, igmp] })).toHaveLength(
      1,
    );
    expect(ofEntries({ entries: [{ ...MFE, session: IGMP }] })).toHaveLength(1);
  });

  it('reject outgoing interfaces that are not those of the memberships (W3)', () => {
    expect(ofEntries({ members: [] })).toHaveLength(1);
    expect(ofEntries({ entries: [{ ...MFE, oifs: [] }] })).toHaveLength(1);
    expect(ofEntries({ members: [{ ...MEMBER, countsFor: 0 } as ListedMembership] })).toHaveLength(
      1,
    );
    const onIif = { ...MEMBER, ifIndex: 1 };
    expect(ofEntries({ members: [MEMBER, onIif] })).toEqual([]);
    const both = { ...MFE, oifs: [[1, ''], ...MFE.oifs] };
    expect(ofEntries({ members: [MEMBER, onIif], entries: [both] })).toHaveLength(1);
    expect(ofEntries({ agent: listed(both) })).toHaveLength(1);
  });

  it('reject a listing that shows a hold whose release was confirmed before it (W3)', () => {
    const ended = (op: 'release' | 'deregister', epoch: string): Entry[] => [
      { kind: 'invoked', id: 'pim#1', op, session: PIM, ifIndex: 1, epoch },
      {
        kind: 'returned',
        id: 'pim#1',
        told: op === 'release' ? 'released' : 'deregistered',
      },
    ];
    expect(ofEntries({ pim: ended('release', '11') })).toHaveLength(1);
    expect(ofEntries({ pim: ended('deregister', '11') })).toHaveLength(1);
    expect(ofEntries({ pim: ended('release', '10') })).toEqual([]);
    const pending = ended('release', '11').slice(0, 1);
    expect(ofEntries({ pim: pending })).toEqual([]);
  });

  it('reject a schema that an older manager would accept', () => {
    expect(checkStored(evidence({ schema: 3 })).problems).toHaveLength(1);
  });
});
