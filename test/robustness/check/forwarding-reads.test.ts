import type { EventMessage } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import type { Entry, Forwarding, LoggedForwarding } from '../traffic/history.ts';
import {
  type Edits,
  DEL,
  evidenceOf,
  IGMP,
  LOG,
  MESSAGES,
  MFE,
  OTHER,
  PIM,
} from './forwarding-evidence.ts';
import { checkForwardingReads } from './forwarding-reads.ts';

/** Reads are at 50 and 51, 52 and 53, ... */
function reads(...told: readonly Returned[]): Entry[] {
  return told.flatMap((one, at): Entry[] => {
    const id = `agent#${at + 1}`;
    const op = one.told === 'changes' ? 'fib' : 'mfe.list';
    return [
      { kind: 'invoked', id, op },
      { ...one, id },
    ];
  });
}
type Returned = Extract<Entry, { readonly kind: 'returned' }>;
const listed = (frev: number | undefined, ...entries: readonly Forwarding[]): Returned => {
  const of = frev === undefined ? {} : { frev, log: LOG };
  return { kind: 'returned', id: '', told: 'listed', entries, ...of };
};
const changes = (frev: number, ...messages: readonly LoggedForwarding[]) =>
  ({ kind: 'returned', id: '', told: 'changes', messages, frev, log: LOG }) as const;

const event = (
  mono: number,
  type: EventMessage['type'],
  session: number,
  on: number,
  epoch: string,
) => ({
  mono,
  event: { type, session, ifIndex: on, nextHop: '', epoch, ts: mono },
});
const TAKEN = [event(1, 'taken', PIM, 1, '11'), event(2, 'igmp-taken', IGMP, 2, '7')];

const AGENT = reads(
  listed(1, OTHER),
  listed(2, MFE, OTHER),
  changes(3, MESSAGES[1]),
  listed(3, MFE),
);

const problems = (edits: Edits): readonly string[] =>
  checkForwardingReads(evidenceOf({ agent: AGENT, events: TAKEN, ...edits })).problems;

describe('the check of reads of forwarding entries', () => {
  it('accepts a correct history and counts its reads', () => {
    const finding = checkForwardingReads(evidenceOf({ agent: AGENT, events: TAKEN }));
    expect(finding).toMatchObject({ checked: 4, problems: [] });
  });

  it('rejects an entry that the log has not set, or has ended (W4)', () => {
    expect(problems({ agent: reads(listed(1, MFE)) })).toHaveLength(1);
    expect(problems({ agent: reads(listed(3, OTHER)) })).toHaveLength(1);
    expect(problems({ agent: reads(listed(undefined, OTHER)) })).toEqual([]);
    const never = { ...MFE, incarnation: 51 };
    expect(problems({ agent: reads(listed(undefined, never)) })).toHaveLength(1);
    expect(problems({ agent: reads(listed(3, never)) })).toHaveLength(1);
  });

  it('rejects a read of changes that are not those of the log (W4)', () => {
    expect(
      problems({ agent: reads(changes(3, { first: 3, last: 3, items: [['set', MFE]] })) }),
    ).toHaveLength(1);
    expect(
      problems({ agent: reads(changes(4, { first: 4, last: 4, items: [DEL] })) }),
    ).toHaveLength(1);
  });

  it('rejects a revision that falls from read to read', () => {
    expect(problems({ agent: reads(listed(3, MFE), listed(2, MFE)) })).toHaveLength(1);
    const both = reads(listed(3, MFE), listed(2, MFE));
    const together = [0, 2, 1, 3].flatMap((at) => both[at] ?? []);
    expect(problems({ agent: together })).toEqual([]);
  });

  it('rejects a read of a hold that had ended, and accepts one that may have begun before (W3)', () => {
    const ended = (mono: number, one: ReturnType<typeof event>) => ({
      events: [...TAKEN, { ...one, mono }],
    });
    const released = event(0, 'released', PIM, 1, '11');
    // The second problem: no client is on the interface.
    expect(problems(ended(55, released))).toHaveLength(2);
    expect(problems(ended(57, released))).toEqual([]);
    expect(problems(ended(55, event(0, 'released', PIM, 1, '10')))).toHaveLength(1);
    const expired = { mono: 55, event: { type: 'expired', session: PIM, ts: 55 } } as const;
    expect(problems({ events: [...TAKEN, expired] })).toHaveLength(2);
  });

  it('rejects a change that was written after the end of its hold (W3)', () => {
    const agent = reads(changes(1), changes(3));
    const released = { ...event(0, 'released', PIM, 1, '11'), mono: 49 };
    // As the last one, and while no client is on the interface.
    expect(problems({ agent, events: [...TAKEN, released] })).toEqual([
      expect.stringMatching(/^r: 2 sets .* whose hold ended with change 3$/),
      expect.stringMatching(/^r: 2 sets .* while no client was on 1:$/),
    ]);
    expect(problems({ agent, events: [...TAKEN, { ...released, mono: 51 }] })).toEqual([]);
  });

  it('rejects an outgoing interface without a client (W3)', () => {
    const released = event(0, 'igmp-released', IGMP, 2, '7');
    expect(problems({ events: [...TAKEN, { ...released, mono: 55 }] })).toEqual([
      expect.stringMatching(/^r: agent#4 shows .* while no client was on 2:$/),
    ]);
    const agent = reads(changes(1), changes(3));
    const before = [...TAKEN, { ...released, mono: 49 }];
    expect(problems({ agent, events: before })).toEqual([
      expect.stringMatching(/^r: 2 sets .* while no client was on 2:$/),
    ]);
    // PIM takes it before, or may have: its call began at 0.
    const pim: readonly Entry[] = [
      { kind: 'invoked', id: 'pim#1', op: 'take', session: PIM, ifIndex: 2 },
      { kind: 'returned', id: 'pim#1', told: 'taken', epoch: '12' },
    ];
    const taken = event(60, 'taken', PIM, 2, '12');
    expect(problems({ agent, pim, events: [...before, taken] })).toEqual([]);
    expect(problems({ agent, events: [...before, taken] })).toEqual([]);
  });
});
