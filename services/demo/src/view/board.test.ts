import type {
  Epoch,
  EventMessage,
  InterfaceItem,
  NextHop,
  Revision,
  SessionId,
} from '@mgm/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { Board } from './board.ts';

const [PIM, DVMRP, IGMP] = [0x67, 0x68, 10];
let rev = 0;

function event(type: EventMessage['type'], fields: Record<string, unknown> = {}): EventMessage {
  rev++;
  return { rev: rev as Revision, ts: rev * 1000, type, ...fields };
}

function taken(ifIndex: number, protocolId: number, session: number): EventMessage {
  const type = protocolId === IGMP ? 'igmp-taken' : 'taken';
  return event(type, { ifIndex, nextHop: '', protocolId, session, epoch: String(rev + 100) });
}

describe('the board', () => {
  let board: Board;
  const apply = (...events: EventMessage[]): void => {
    for (const one of events) board.apply(one, 0);
  };
  const owners = (): unknown[] =>
    board.rows.map(({ ifIndex, owner, igmp }) => [ifIndex, owner?.session, igmp?.session]);
  beforeEach(() => {
    rev = 0;
    board = new Board(0);
  });

  it('applies takes and releases, also those of IGMP', () => {
    apply(taken(2, PIM, 1), taken(1, IGMP, 3), taken(1, DVMRP, 2));
    expect(owners()).toEqual([
      [1, 2, 3],
      [2, 1, undefined],
    ]);
    expect(board.rows[0]?.owner).toMatchObject({ epoch: '102', since: 3000, isStale: false });
    apply(event('igmp-released', { ifIndex: 1, nextHop: '' }));
    apply(event('released', { ifIndex: 2, nextHop: '' }));
    expect(owners()).toEqual([
      [1, 2, undefined],
      [2, undefined, undefined],
    ]);
  });

  it('moves all interfaces to the new session when a session is resumed', () => {
    apply(taken(1, PIM, 1), taken(2, PIM, 1), taken(3, DVMRP, 2), event('stale', { session: 1 }));
    expect(board.rows.map(({ owner }) => owner?.isStale)).toEqual([true, true, false]);
    apply(event('resumed', { session: 4, previous: 1, epoch: '900' }));
    expect(owners()).toEqual([
      [1, 4, undefined],
      [2, 4, undefined],
      [3, 2, undefined],
    ]);
    expect(board.rows[1]?.owner).toMatchObject({ epoch: '900', isStale: false });
  });

  it('replaces its state by a snapshot: interfaces not in it are free', () => {
    apply(taken(1, PIM, 1), taken(9, PIM, 1));
    board.reset([item(1, DVMRP, 2, true), item(2, IGMP, 3, false)]);
    expect(owners()).toEqual([
      [1, 2, 3],
      [2, undefined, 3],
      [9, undefined, undefined],
    ]);
  });

  it('orders next hops as numbers', () => {
    for (const nextHop of ['10.0.0.10', '10.0.0.9', '']) {
      apply(event('taken', { ...taken(5, PIM, 1), nextHop }));
    }
    expect(board.rows.map(({ nextHop }) => nextHop)).toEqual(['', '10.0.0.9', '10.0.0.10']);
  });

  it('keeps a bounded number of changes and free interfaces', () => {
    for (let ifIndex = 1; ifIndex <= 200; ifIndex++) {
      apply(taken(ifIndex, PIM, 1), event('released', { ifIndex, nextHop: '' }));
    }
    expect(board.rows).toHaveLength(50);
    expect(board.changes).toHaveLength(50);
    expect(board.changes.at(-1)?.rev).toBe(400);
  });

  it('computes the rate of changes over the last ten seconds', () => {
    for (let second = 0; second < 30; second++) {
      for (let times = 0; times < 4; times++) board.apply(event('registered'), second * 1000);
    }
    expect(board.rate(29_500)).toBe(4);
    expect(board.rate(34_500)).toBe(2);
    expect(board.rate(60_000)).toBe(0);
  });
});

function item(ifIndex: number, protocolId: number, session: number, igmp: boolean): InterfaceItem {
  const held = {
    protocolId,
    componentId: 1,
    session: session as SessionId,
    epoch: '7' as Epoch,
  };
  return {
    ...held,
    ...{ ifIndex, nextHop: '' as NextHop, name: '', since: 1, stale: false },
    ...(igmp && { igmp: { ...held, protocolId: IGMP, session: 3 as SessionId } }),
  };
}
