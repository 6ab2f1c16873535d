import type { EventMessage, MembershipEvent, Revision } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { membershipLines, textLine } from './text-line.ts';

function line(fields: Record<string, unknown>): string {
  const event: EventMessage = { rev: 12 as Revision, ts: 1, type: 'taken', ...fields };
  return textLine(event);
}

describe('a change as a line', () => {
  it('has the revision, the type, and the fields of the event', () => {
    const key = { ifIndex: 3, nextHop: '10.0.5.1' };
    const who = { protocolId: 0x67, componentId: 1, session: 2, epoch: '77' };
    expect(line({ ...key, ...who, cause: 'take' })).toBe(
      'rev=12 taken ifIndex=3 nextHop=10.0.5.1 protocol=PIM session=2 epoch=77 cause=take',
    );
    expect(line({ type: 'store-reset', nextHop: '' })).toBe('rev=12 store-reset');
  });

  it('stays one line for any text of people', () => {
    expect(line({ actor: 'joe', why: 'a "b"\n\u001b[2Jc' })).toBe(
      'rev=12 taken actor=joe why="a \\"b\\"\\n\\u001b[2Jc"',
    );
    expect(line({ type: '\u001b[2Jx', cause: 'a\u2028b' })).toBe('rev=12 ?[2Jx cause="a?b"');
  });
});

it('a change of memberships has a line for each, with its revision', () => {
  const fields = { first: 4, mrev: 5, ts: 1, type: 'joined', cause: 'member', session: 2 };
  const items = [
    ['239.1.1.1', '', 3, ''],
    ['', '', 5, '10.0.5.1'],
  ];
  const event = { ...fields, protocolId: 10, componentId: 1, countsFor: 7, items };
  expect(membershipLines(event as unknown as MembershipEvent)).toEqual([
    'mrev=4 joined group=239.1.1.1 ifIndex=3 protocol=IGMP session=2 countsFor=7 cause=member',
    'mrev=5 joined group=* ifIndex=5 nextHop=10.0.5.1 protocol=IGMP session=2 countsFor=7 cause=member',
  ]);
});
