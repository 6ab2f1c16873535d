import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Mfe } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { TestPlane } from '../../test/test-plane.ts';
import { VirtualClock } from '../../test/virtual-clock.ts';
import { MgmError } from '../errors.ts';
import type { MfeCounters } from '../forwarding/flows.ts';
import { silentLogger } from '../options.ts';
import type { ForwardingPlane } from './options.ts';
import { StatsReport } from './stats.ts';

const mfe = (source: string, incarnation = 1): Mfe =>
  ({ group: '239.1.1.1', source, incarnation, oifs: [] }) as unknown as Mfe;

/** A report on a plane with these entries, and `source inPkts` of what each request had. */
function opened(...sources: string[]) {
  const plane = new TestPlane();
  for (const source of sources) plane.set(mfe(source));
  const requests: string[][] = [];
  const failures: MgmError[] = [];
  const errors: unknown[] = [];
  const logger = { ...silentLogger, error: ({ err }: { err?: unknown }) => void errors.push(err) };
  const clock = new VirtualClock();
  const report = new StatsReport({
    ...{ clock, logger, plane },
    entry: ({ source }) => plane.installed.get(String(source)),
    report: async (items: readonly MfeCounters[]) => {
      const failure = failures.shift();
      if (failure) throw failure;
      requests.push(items.map(({ source, inPkts }) => `${source} ${inPkts}`));
    },
  });
  return { clock, plane, report, requests, failures, errors };
}

function failed(reason: 'bad-request' | 'unavailable'): MgmError {
  return new MgmError('failed', { reason, outcome: 'not-done', retryable: true });
}

const manySources = Array.from({ length: 300 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);

describe('the report of statistics', () => {
  it('sends what changed, up to 256 items in a request', async () => {
    const { plane, report, requests } = opened(...manySources);
    await report.round();
    expect(requests.map((items) => items.length)).toEqual([256, 44]);
    await report.round();
    plane.packets.set('10.0.0.7', 5);
    await report.round();
    expect(requests.slice(2)).toEqual([['10.0.0.7 5']]);
  });

  it('sends everything again in another session', async () => {
    const { report, requests } = opened('10.0.0.1');
    await report.round();
    report.reportAnew();
    await report.round();
    expect(requests).toEqual([['10.0.0.1 0'], ['10.0.0.1 0']]);
  });

  it('sends the last counters of a deleted entry once, if they changed', async () => {
    const { plane, report, requests } = opened('10.0.0.1', '10.0.0.2');
    await report.round();
    plane.packets.set('10.0.0.1', 9);
    for (const source of ['10.0.0.1', '10.0.0.2']) {
      report.deleted(`${source},239.1.1.1`, mfe(source), plane.delete(mfe(source)));
    }
    await report.last();
    await report.last();
    await report.round();
    expect(requests.slice(1)).toEqual([['10.0.0.1 9']]);
  });

  it('sends again what was not taken', async () => {
    const { plane, report, requests, failures } = opened('10.0.0.1');
    failures.push(failed('unavailable'), failed('unavailable'));
    await report.round();
    report.deleted('10.0.0.1,239.1.1.1', mfe('10.0.0.1'), plane.delete(mfe('10.0.0.1')));
    await report.last();
    expect(requests).toEqual([]);
    await report.round();
    expect(requests).toEqual([['10.0.0.1 0']]);
  });

  it('logs a request with wrong counters and sends the others', async () => {
    const { report, requests, failures, errors } = opened(...manySources);
    failures.push(failed('bad-request'));
    await report.round();
    expect([requests.map((items) => items.length), errors.length]).toEqual([[44], 1]);
  });

  it('logs a failure of the plane and reads it again in the next round', async () => {
    const { plane, report, requests, errors } = opened('10.0.0.1');
    const broken = new Error('EIO');
    const stats = plane.stats.bind(plane);
    plane.stats = () => {
      throw broken;
    };
    await report.round();
    expect([requests, errors]).toEqual([[], [broken]]);
    plane.stats = stats;
    await report.round();
    expect(requests).toEqual([['10.0.0.1 0']]);
  });

  it('logs that the plane has no result within 30 s, and reads it again in the next round', async () => {
    const { clock, plane, report, requests, errors } = opened('10.0.0.1');
    const stats = plane.stats.bind(plane);
    const hanging: ForwardingPlane = plane;
    hanging.stats = () => Promise.withResolvers<MfeCounters[]>().promise;
    const round = report.round();
    await endOfTurn();
    clock.pass(30_000);
    await round;
    expect(requests).toEqual([]);
    expect(errors.map(String)).toEqual(['Error: no result within 30000 ms']);
    plane.stats = stats;
    await report.round();
    expect(requests).toEqual([['10.0.0.1 0']]);
    expect(clock.timers).toBe(0);
  });

  it('ignores counters of entries that the table does not have', async () => {
    const { plane, report, requests } = opened('10.0.0.1');
    const [known] = plane.stats();
    plane.stats = () => [
      { group: '239.1.1.1', source: '10.0.0.9', incarnation: 1 },
      { ...known, group: '239.1.1.1', source: '10.0.0.1', incarnation: 2 },
    ];
    await report.round();
    expect(requests).toEqual([]);
  });
});
