import type { EventMessage } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../command.ts';
import { InterfacePast } from './history.ts';

/** The types of the events that concern interface 7. */
function concerning(...log: readonly object[]): string[] {
  const past = new InterfacePast(keyOf(7, undefined));
  const events = log.map((fields, at) => ({ rev: at + 1, ts: 0, protocolId: 103, ...fields }));
  // Only decoded events have branded fields.
  return (events as EventMessage[]).filter((one) => past.concerns(one)).map(({ type }) => type);
}

const on = (type: string, session: number, key = {}) => ({
  type,
  session,
  ifIndex: 7,
  nextHop: '',
  ...key,
});

describe('the past of an interface', () => {
  it('leaves out other interfaces, and other next hops of its own index', () => {
    const other = [on('taken', 1, { ifIndex: 8 }), on('taken', 1, { nextHop: '10.0.0.1' })];
    expect(concerning(...other, on('taken', 1))).toEqual(['taken']);
  });

  it('follows the session on it through staleness and inheritance', () => {
    const log = [
      { type: 'stale', session: 1 },
      on('taken', 1),
      { type: 'stale', session: 1 },
      { type: 'resumed', session: 2, previous: 1 },
      { type: 'stale', session: 1 },
      { type: 'expired', session: 2 },
      on('released', 2),
      { type: 'resumed', session: 3, previous: 2 },
    ];
    expect(concerning(...log)).toEqual(['taken', 'stale', 'resumed', 'expired', 'released']);
  });

  it('follows the session after the settings of the interface were changed', () => {
    const log = [on('taken', 1), on('interface-set', 1), { type: 'stale', session: 1 }];
    expect(concerning(...log)).toEqual(['taken', 'interface-set', 'stale']);
  });

  it('keeps IGMP and the routing protocol apart', () => {
    const igmp = { protocolId: 10 };
    const log = [
      on('taken', 1),
      { ...on('igmp-taken', 2), ...igmp },
      on('released', 1),
      { type: 'stale', session: 1 },
      { type: 'stale', session: 2, ...igmp },
    ];
    expect(concerning(...log)).toEqual(['taken', 'igmp-taken', 'released', 'stale']);
  });
});
