import type { EventMessage, SessionItem } from '@mgm/client';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { topFrame } from './top-frame.ts';

const PLAIN = pc.createColors(false);
const TITLE = { router: 'r1', isConnected: true };

// Only what a manager sends has the brands of its fields.
const session = (at: number) =>
  ({
    session: 1_795_360_064_929_550 + at,
    protocolId: 103,
    componentId: at,
    name: `pim-${at}`,
    state: 'live',
    expiresInMs: 9_800,
    interfaces: 3,
  }) as SessionItem;
const change = (rev: number) =>
  ({ rev, ts: 0, type: 'taken', ifIndex: 7, protocolId: 103, componentId: 1 }) as EventMessage;

function shown(sessions: number, changes: number, rows: number, columns = 100): string[] {
  const view = {
    rev: 12,
    interfaces: 3,
    igmp: 1,
    changesPerSecond: 0.25,
    sessions: Array.from({ length: sessions }, (_, at) => session(at)),
    changes: Array.from({ length: changes }, (_, at) => change(at + 1)),
  };
  return topFrame(view, TITLE, { columns, rows }, PLAIN).split('\n');
}

describe('the screen of top', () => {
  it('has a title, the sessions, and the last changes', () => {
    expect(shown(1, 2, 24)).toEqual([
      'router r1  connected  revision 12',
      '3 interfaces held, IGMP on 1  1 session  0.3 changes/s',
      '',
      'SESSION           CLIENT       STATE             INTERFACES',
      '1795360064929550  PIM/0 pim-0  live, 9.8 s left  3',
      '',
      '1970-01-01 00:00:00.000  rev 1  taken          7  PIM/1',
      '1970-01-01 00:00:00.000  rev 2  taken          7  PIM/1',
    ]);
  });

  it.each([
    [100, 50, 24],
    [0, 0, 24],
    [3, 50, 10],
    [100, 50, 3],
  ])('fits: %s sessions and %s changes on %s lines', (sessions, changes, rows) => {
    const lines = shown(sessions, changes, rows, 40);
    expect(lines.length).toBeLessThan(rows);
    expect(lines.filter((line) => line.length > 40)).toEqual([]);
  });

  it('says how many sessions it leaves out, and keeps the newest changes', () => {
    const lines = shown(100, 50, 24);
    expect(lines).toContain('… and 88 more');
    expect(lines.at(-1)).toContain('rev 50');
  });
});
