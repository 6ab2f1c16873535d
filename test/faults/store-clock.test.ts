import { eventually } from '@mgm/test-support';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { type ClockSupport, clockSupport, movableClock } from './movable-clock.ts';
import { startWorld } from './own-servers.ts';
import { RequestWatch } from './request-watch.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

const WITHIN = { withinMs: 30_000 };
const TTL_MS = 2_000;
const HOUR_S = 3_600;

describe("the store's clock", () => {
  let support: ClockSupport;
  beforeAll(async () => {
    support = await clockSupport(inject('servers'));
  });

  it('may jump by an hour in either direction: no session expires early or never, and epochs rise', async (context) => {
    if (support.kind === 'unusable') return context.skip(support.why);
    await using clock = await movableClock(inject('servers'), support);
    await using world = await startWorld({ choice: clock.choice, managers: 2 });
    const { router, servers } = world;
    using seen = await RequestWatch.of(router);
    const { url } = servers.nats;
    await using worker = await startWorker(router, url, { ttlMs: TTL_MS, interfaces: [1] });
    await using dying = await startWorker(router, url, {
      ttlMs: TTL_MS,
      componentId: 2,
      interfaces: [2],
    });
    const told = [worker, dying].map(({ notes }) => notes.length);
    const handles = [1, 2].map((ifIndex) => seen.handleThatTook(ifIndex));
    const epochs = [...worker.epochs.values()];
    for (const [at, offsetS] of [HOUR_S, 0, -HOUR_S].entries()) {
      await clock.jumpTo(offsetS);
      const { epoch } = await worker.tell({ kind: 'take', ifIndex: 10 + at }, 'took');
      epochs.push(epoch);
      await Promise.all(handles.map((handle) => seen.leasePasses(handle, WITHIN)));
    }

    const types = (await router.eventsAfter(0)).map(({ type }) => type);
    expect(new Set(types)).toEqual(new Set(['registered', 'taken']));
    const kinds = [worker, dying].flatMap((one, at) => kindsAfter(one, told[at]));
    expect(new Set(kinds)).toEqual(new Set(['sent', 'took']));
    expect(epochs.map(BigInt)).toEqual(epochs.map(BigInt).toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(epochs).size).toBe(epochs.length);
    // The jump took effect: an epoch is the store's time in microseconds.
    expect(BigInt(epochs[1] ?? 0) - BigInt(epochs[0] ?? 0)).toBeGreaterThan(HOUR_S * 1e6);
    for (const [ifIndex, epoch] of worker.epochs) {
      ok(await router.request('validate', { ifIndex, epoch }));
    }

    await dying.kill();
    const rev = await router.rev();
    const swept = await eventually(async () => {
      const events = await router.eventsAfter(rev);
      expect(events.map(({ type }) => type)).toEqual(['expired', 'released']);
      return events;
    }, WITHIN);
    expect(swept).toMatchObject([{ session: dying.session }, { ifIndex: 2, cause: 'expire' }]);
  });
});

function kindsAfter({ notes }: WorkerProcess, from = 0): string[] {
  return notes.slice(from).map(({ kind }) => kind);
}
