import type { WatchedMembership } from '@mgm/client';
import type { MembershipEvent } from '@mgm/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { GroupBoard } from './groups.ts';

const [PIM, IGMP] = [103, 10];

function event(
  type: MembershipEvent['type'],
  protocolId: number,
  ...items: [group: string, source: string, ifIndex: number, nextHop?: string][]
): MembershipEvent {
  const fields = { first: 1, mrev: items.length, ts: 1, type, cause: 'member' };
  const who = { session: 1, protocolId, componentId: 1, countsFor: 1 };
  const full = items.map(([group, source, ifIndex, hop = '']) => [group, source, ifIndex, hop]);
  return { ...fields, ...who, items: full } as unknown as MembershipEvent;
}

describe('the board of groups', () => {
  let board: GroupBoard;
  const shown = (): unknown[] =>
    board.rows.map(({ group, source, interfaces }) => [
      ...[group, source],
      ...interfaces.map(({ ifIndex, nextHop }) => `${ifIndex}${nextHop && ` via ${nextHop}`}`),
    ]);
  beforeEach(() => {
    board = new GroupBoard();
  });

  it('names each interface of a group once, in order, however many clients have members there', () => {
    board.apply(event('joined', IGMP, ['239.1.1.1', '', 10], ['239.1.1.1', '', 9, '10.0.0.1']));
    board.apply(event('joined', PIM, ['239.1.1.1', '', 10], ['239.1.1.1', '', 2]));
    expect(shown()).toEqual([['239.1.1.1', '', '2', '9 via 10.0.0.1', '10']]);
    board.apply(event('left', PIM, ['239.1.1.1', '', 10]));
    expect(shown()).toEqual([['239.1.1.1', '', '2', '9 via 10.0.0.1', '10']]);
    board.apply(event('left', IGMP, ['239.1.1.1', '', 10]));
    expect(shown()).toEqual([['239.1.1.1', '', '2', '9 via 10.0.0.1']]);
  });

  it('orders groups and sources as numbers, and forgets a group without members', () => {
    board.apply(
      event(
        'joined',
        IGMP,
        ...([
          ['239.1.1.10', '', 1],
          ['239.1.1.9', '', 1],
          ['232.1.1.1', '192.0.2.10', 1],
          ['232.1.1.1', '192.0.2.9', 1],
        ] as [string, string, number][]),
      ),
    );
    board.apply(event('left', IGMP, ['239.1.1.9', '', 1]));
    board.apply(event('left', IGMP, ['239.9.9.9', '', 1]));
    expect(shown()).toEqual([
      ['232.1.1.1', '192.0.2.9', '1'],
      ['232.1.1.1', '192.0.2.10', '1'],
      ['239.1.1.10', '', '1'],
    ]);
  });

  it('replaces its state by a snapshot', () => {
    board.apply(event('joined', IGMP, ['239.1.1.1', '', 1]));
    const membership = { group: '239.2.2.2', source: '', ifIndex: 3, nextHop: '' };
    const who = { session: 1, countsFor: 1, protocolId: PIM, componentId: 1 };
    board.reset([{ ...membership, ...who } as unknown as WatchedMembership]);
    expect(shown()).toEqual([['239.2.2.2', '', '3']]);
  });
});
