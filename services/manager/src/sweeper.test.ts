import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { routerName } from '@mgm/protocol';
import pino from 'pino';
import { expect, it } from 'vitest';
import { Metrics } from './health/metrics.ts';
import { TroubleLog } from './log.ts';
import { Routers } from './routers.ts';
import { Sweeper } from './sweeper.ts';

const ROUTER = routerName('r1');
const SLICES = 8;

interface Circumstances {
  /** How long a slice takes, in ms; 0: a turn of the event loop. */
  readonly sliceMs?: number;
  /** How many probes NATS answers. */
  readonly probesAnswered?: number;
}

/** Runs one sweep with work for {@link SLICES} slices. */
async function sweepIn({ sliceMs = 0, probesAnswered = Infinity }: Circumstances) {
  let [slices, probes, concurrent, mostConcurrent] = [0, 0, 0, 0];
  const over = Promise.withResolvers<void>();
  const routers = new Routers([]);
  routers.add([ROUTER]);
  const sweeper = new Sweeper({
    routers,
    bus: {
      reaches: async () => {
        await turn();
        // Leaves time for more slices, if the sweeper took any.
        if (++probes > probesAnswered) void sleep(3 * sliceMs).then(over.resolve);
        return probes <= probesAnswered;
      },
    },
    store: {
      serve: () => {},
      sweep: async () => {
        mostConcurrent = Math.max(mostConcurrent, ++concurrent);
        slices++;
        await (sliceMs > 0 ? sleep(sliceMs) : turn());
        concurrent--;
        if (slices === SLICES) over.resolve();
        return { ended: 1, released: 1, idle: false, more: slices < SLICES, dueInMs: undefined };
      },
    },
    trouble: new TroubleLog(pino({ level: 'silent' })),
    metrics: new Metrics(),
    everyMs: 60_000,
  });
  await over.promise;
  await sweeper.stop();
  return { slices, probes, mostConcurrent };
}

it('sweeps a router slice after slice, never two at the same time', async () => {
  expect(await sweepIn({})).toMatchObject({ slices: SLICES, mostConcurrent: 1 });
});

it('uses one NATS probe for slices that follow each other immediately', async () => {
  const { probes } = await sweepIn({});
  expect(probes).toBeLessThan(SLICES / 2);
});

it('probes NATS again before a slice when the last probe is older than 10 ms', async () => {
  const { probes } = await sweepIn({ sliceMs: 15 });
  expect(probes).toBeGreaterThanOrEqual(SLICES);
});

it('stops sweeping when NATS stops answering', async () => {
  const { slices } = await sweepIn({ sliceMs: 15, probesAnswered: 4 });
  expect(slices).toBe(4);
});

it('sweeps a router outside the rounds when memberships were withdrawn', async () => {
  const swept = Promise.withResolvers<string>();
  const report = { ended: 0, released: 0, idle: false, more: false, dueInMs: undefined };
  const sweeper = new Sweeper({
    // The rounds know of no router.
    routers: new Routers([]),
    bus: { reaches: async () => true },
    store: {
      serve: () => {},
      sweep: async (router) => {
        swept.resolve(router);
        return report;
      },
    },
    trouble: new TroubleLog(pino({ level: 'silent' })),
    metrics: new Metrics(),
    everyMs: 60_000,
  });
  sweeper.sweepSoon(ROUTER);
  expect(await swept.promise).toBe(ROUTER);
  await sweeper.stop();
});

/** Runs one round over many routers that are due. */
async function roundOver(count: number, probesAnswered = Infinity) {
  let [swept, probes, served] = [0, 0, 0];
  const over = Promise.withResolvers<void>();
  const routers = new Routers([]);
  routers.add(Array.from({ length: count }, (_, at) => routerName(`r${at}`)));
  const sweeper = new Sweeper({
    routers,
    bus: {
      reaches: async () => {
        await turn();
        if (++probes > probesAnswered) over.resolve();
        return probes <= probesAnswered;
      },
    },
    store: {
      serve: () => void served++,
      sweep: async () => {
        await sleep(15);
        if (++swept === count) over.resolve();
        return { ended: 0, released: 0, idle: false, more: false, dueInMs: undefined };
      },
    },
    trouble: new TroubleLog(pino({ level: 'silent' })),
    metrics: new Metrics(),
    everyMs: 60_000,
  });
  await over.promise;
  await sweeper.stop();
  return { swept, served };
}

it('serves on during a round over many routers, so that leases run', async () => {
  const { swept, served } = await roundOver(80);
  expect(swept).toBe(80);
  expect(served).toBeGreaterThanOrEqual(5);
});

it('sweeps no further router of a round when NATS stops answering', async () => {
  const { swept } = await roundOver(80, 2);
  expect(swept).toBeLessThan(80);
});
