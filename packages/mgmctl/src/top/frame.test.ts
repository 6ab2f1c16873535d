import type { EventMessage, SessionItem } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import { createColors } from '../output/terminal.ts';
import { topFrame } from './frame.ts';
import type { ReplicaView } from './replicas.ts';

const PLAIN = createColors(false);
const TITLE = { router: 'r1', isConnected: true };

// Only decoded messages have branded fields.
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

const replica = (at: number): ReplicaView => ({
  name: `m${at}`,
  version: '1.2.0',
  durability: 'memory',
  store: 'redis 7.0.15',
  trouble: at === 2 ? ['redis: connection refused'] : [],
  requestsPerSecond: at === 1 ? undefined : 12.34,
  failed: at === 2 ? 3 : 0,
  meanMs: at === 1 ? undefined : 0.56,
});

function shown(
  sessions: number,
  changes: number,
  rows: number,
  columns = 100,
  replicas: readonly ReplicaView[] | undefined = [replica(0)],
): string[] {
  const view = {
    rev: 12,
    interfaces: 3,
    igmp: 1,
    changesPerSecond: 0.25,
    replicas,
    sessions: Array.from({ length: sessions }, (_, at) => session(at)),
    changes: Array.from({ length: changes }, (_, at) => change(at + 1)),
  };
  return topFrame(view, TITLE, { columns, rows }, PLAIN);
}

describe('the screen of top', () => {
  it('has a title, the replicas, the sessions, and the last changes', () => {
    expect(shown(1, 2, 24)).toEqual([
      'router r1  connected  revision 12',
      '3 interfaces held, IGMP on 1  1 session  0.3 changes/s',
      '',
      'REPLICA  VERSION  REQUESTS/S  MEAN    FAILED  STORE',
      'm0       1.2.0    12.3        0.6 ms  0       redis 7.0.15',
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

  it('shows the trouble of a replica, and no rate in the first frame', () => {
    const lines = shown(0, 0, 24, 100, [replica(1), replica(2)]);
    expect(lines.slice(3, 6)).toEqual([
      'REPLICA  VERSION  REQUESTS/S  MEAN    FAILED  STORE',
      'm1       1.2.0    -           -       0       redis 7.0.15',
      'm2       1.2.0    12.3        0.6 ms  3       redis: connection refused',
    ]);
  });

  it('says how many replicas it leaves out, and if there is none', () => {
    const many = Array.from({ length: 20 }, (_, at) => replica(at));
    expect(shown(3, 3, 40, 100, many)).toContain('… and 16 more');
    expect(shown(3, 3, 40, 100, [])).toContain('no manager reported its status');
  });

  it('says how many sessions it leaves out, and keeps the newest changes', () => {
    const lines = shown(100, 50, 24);
    expect(lines).toContain('… and 91 more');
    expect(lines.at(-1)).toContain('rev 50');
  });
});
