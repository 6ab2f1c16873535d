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
    groups: [],
    changes: [],
    igmpRestarts: new Map(),
    alerts: new Map(),
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

  it.each([80, 120])('shows groups with their interfaces on %i columns', (columns) => {
    const member = (ifIndex: number, nextHop = '') => ({ ifIndex, nextHop: nextHop as NextHop });
    const shown = frame(
      model({
        rows: [row(1, { owner: hold(0x67, 1795403034355338), igmp: hold(10, 1795403034073488) })],
        groups: [
          { group: '', source: '', interfaces: [member(1)] },
          { group: '232.1.1.1', source: '192.0.2.10', interfaces: [member(1), member(6)] },
          {
            group: '239.1.1.1',
            source: '',
            interfaces: Array.from({ length: 4 }, (_, at) => member(5, `10.0.5.${at + 1}`)),
          },
        ],
        changes: [change(8)],
        alerts: new Map([
          ['PIM LOCAL_LEAVE', 1],
          ['PIM LOCAL_JOIN', 3],
          ['DVMRP JOIN_ALERT', 2],
        ]),
      }),
      { columns, rows: 24 },
      PLAIN,
    );
    const hops = '5 via 10.0.5.1, 5 via 10.0.5.2, 5 via 10.0.5.3, 5 via 10.0.5.4';
    const line = `239.1.1.1  *           ${hops}`;
    expect(shown.split('\n').slice(3, 13)).toEqual([
      'alerts to DVMRP: JOIN 2',
      'alerts to PIM: LOCAL_JOIN 3, LOCAL_LEAVE 1',
      '',
      'interface  owner       epoch             since     IGMP',
      '1          PIM #55338  1795403063122664  02:45:07  on #73488',
      '',
      'group      source      interfaces',
      '*          *           1',
      '232.1.1.1  192.0.2.10  1, 6',
      line.length <= columns ? line : `${line.slice(0, columns - 1)}…`,
    ]);
  });

  it('says how many groups it leaves out, and leaves them all out on a low terminal', () => {
    const interfaces = [{ ifIndex: 1, nextHop: '' as NextHop }];
    const groups = Array.from({ length: 7 }, (_, at) => ({
      ...{ group: `239.0.0.${at + 1}`, source: '', interfaces },
    }));
    const onRows = (rows: number) => frame(model({ groups }), { columns: 80, rows }, PLAIN);
    expect(onRows(24)).toContain('239.0.0.5');
    expect(onRows(24)).toContain('… and 2 more');
    expect(onRows(12)).not.toContain('239.0.0.1');
  });

  const many = model({
    groups: Array.from({ length: 9 }, (_, at) => ({
      group: `239.0.0.${at + 1}`,
      source: '',
      interfaces: Array.from({ length: 90 }, (__, one) => ({
        ...{ ifIndex: one + 1, nextHop: '' as NextHop },
      })),
    })),
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
