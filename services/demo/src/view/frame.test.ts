import { stripVTControlCharacters } from 'node:util';
import { createColors } from '@mgm/mgmctl';
import type { Epoch, EventMessage, NextHop, Revision, SessionId } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import type { Hold, Row } from './board.ts';
import { frame, type FrameModel } from './frame.ts';

const PLAIN = createColors(false);
const AT = new Date(2026, 10, 23, 2, 45, 7).getTime();

function hold(protocolId: number, session: number, isStale = false): Hold {
  const epoch = '1795403063122664' as Epoch;
  return { protocolId, session: session as SessionId, epoch, since: AT, isStale };
}

function row(ifIndex: number, fields: Partial<Row> = {}): Row {
  return { ifIndex, nextHop: '' as NextHop, ...fields };
}

function change(rev: number, fields: Partial<EventMessage> = {}): EventMessage {
  const key = { ifIndex: 3, nextHop: '' as NextHop };
  const who = { protocolId: 0x67, session: 1795403034355338 as SessionId };
  return { rev: rev as Revision, ts: AT, type: 'taken', cause: 'take', ...key, ...who, ...fields };
}

function model(fields: Partial<FrameModel> = {}): FrameModel {
  return {
    natsUrl: 'nats://127.0.0.1:4222',
    redisUrl: 'redis://127.0.0.1:6379',
    router: 'demo',
    managers: [
      { name: 'manager-1', pid: 11 },
      { name: 'manager-2', pid: undefined },
    ],
    answering: 1,
    workers: [{ name: 'PIM', pid: 12 }],
    rate: 2.25,
    rows: [],
    changes: [],
    igmpRestarts: new Map(),
    ...fields,
  };
}

describe('the live view', () => {
  it('shows the owner of each interface, the time, the epoch, and IGMP', () => {
    const shown = frame(
      model({
        rows: [
          row(1, { owner: hold(0x67, 1795403034355338), igmp: hold(10, 1795403034073488) }),
          row(5, { nextHop: '10.0.5.1' as NextHop, owner: hold(0x68, 7, true) }),
          row(6),
        ],
        changes: [
          change(8),
          change(9, { type: 'released', cause: 'admin', actor: 'joe', why: 'maintenance' }),
          change(10, { type: 'resumed', previous: 12345678 as SessionId }),
        ],
        igmpRestarts: new Map([['1', 4]]),
      }),
      { columns: 100, rows: 30 },
      PLAIN,
    );
    expect(shown).toMatchInlineSnapshot(`
      "router demo  nats://127.0.0.1:4222  redis://127.0.0.1:6379
      managers 1/2 (pid 11, -)  2.3 changes/s
      workers PIM (pid 12)

      interface       owner           epoch             since     IGMP
      1               PIM #55338      1795403063122664  02:45:07  on #73488, restarted 4×
      5 via 10.0.5.1  DVMRP #7 stale  1795403063122664  02:45:07
      6               free

      rev 8   02:45:07  taken     3  PIM #55338
      rev 9   02:45:07  released  3  PIM #55338 admin by joe (maintenance)
      rev 10  02:45:07  resumed   3  PIM #55338 after #45678"
    `);
  });

  it('says that there is nothing to show', () => {
    const shown = frame(model({ workers: [] }), { columns: 80, rows: 24 }, PLAIN);
    expect(shown).toContain('none held yet');
    expect(shown).toContain('no changes yet');
    expect(shown).not.toContain('workers');
  });

  const many = model({
    rows: Array.from({ length: 40 }, (_, at) => row(at + 1, { owner: hold(0x67, at) })),
    changes: Array.from({ length: 50 }, (_, at) => change(at + 1, { why: 'x'.repeat(200) })),
  });

  it.each([
    [200, 60],
    [80, 24],
    [71, 15],
    [49, 10],
    [20, 5],
    [1, 1],
  ])('fits a terminal of %i columns and %i rows', (columns, rows) => {
    for (const colors of [PLAIN, createColors(true)]) {
      const lines = stripVTControlCharacters(frame(many, { columns, rows }, colors)).split('\n');
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  it('says how many interfaces it leaves out, and keeps the newest changes', () => {
    const shown = frame(many, { columns: 80, rows: 24 }, PLAIN);
    expect(shown).toMatch(/… and \d+ more/);
    expect(shown).toContain('rev 50');
    expect(shown).not.toContain('rev 42 ');
  });

  it('contains no control characters of texts from the bus', () => {
    const why = '\u001b[2J\r\nready';
    const shown = frame(model({ changes: [change(1, { why })] }), { columns: 80, rows: 24 }, PLAIN);
    expect(shown).toContain('(?[2J??ready)');
    const fields = {
      type: '\u001b[2Jx' as EventMessage['type'],
      cause: 'a\u2028\u009bb' as 'admin',
    };
    const forged = frame(model({ changes: [change(1, fields)] }), { columns: 80, rows: 24 }, PLAIN);
    expect(forged).toContain('?[2Jx');
    expect(forged).toContain('a??b');
  });
});
