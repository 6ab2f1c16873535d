import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { routerName } from '@mgm/protocol';
import pino from 'pino';
import { expect, it } from 'vitest';
import { Figures } from './figures.ts';
import { KnownRouters } from './known-routers.ts';
import { Sweeper } from './sweeper.ts';
import { TroubleLog } from './trouble-log.ts';

const ROUTER = routerName('r1');
const SLICES = 8;

interface Circumstances {
  readonly isCalm?: boolean;
  readonly operationsPerCall?: number;
  /** How long a slice takes, in ms; 0: a turn of the event loop. */
  readonly sliceMs?: number;
  /** How often NATS answers before it is gone. */
  readonly words?: number;
}

/** How one sweep went in which there was more to do until the last slice. */
async function sweepIn(circumstances: Circumstances) {
  const { isCalm = true, operationsPerCall = 1, sliceMs = 0, words = Infinity } = circumstances;
  const gently: boolean[] = [];
  let [asked, underWay, mostUnderWay] = [0, 0, 0];
  const over = Promise.withResolvers<void>();
  const routers = new KnownRouters([]);
  routers.listed([ROUTER]);
  const sweeper = new Sweeper({
    routers,
    intake: { isCalm },
    bus: {
      reaches: async () => {
        await turn();
        // Long enough for more slices, if there were any.
        if (++asked > words) void sleep(3 * sliceMs).then(over.resolve);
        return asked <= words;
      },
    },
    store: {
      operationsPerCall: () => operationsPerCall,
      sweep: async (_, options) => {
        gently.push(options?.gently ?? false);
        mostUnderWay = Math.max(mostUnderWay, ++underWay);
        await (sliceMs > 0 ? sleep(sliceMs) : turn());
        underWay--;
        if (gently.length === SLICES) over.resolve();
        return { ended: 1, released: 1, more: gently.length < SLICES };
      },
    },
    trouble: new TroubleLog(pino({ level: 'silent' })),
    figures: new Figures(),
    everyMs: 60_000,
  });
  await over.promise;
  await sweeper.stop();
  return { gently, asked, mostUnderWay };
}

const slices = (gently: boolean) => Array.from({ length: SLICES }, () => gently);

it('takes large slices where nobody asks for anything', async () => {
  expect(await sweepIn({ isCalm: true })).toMatchObject({ gently: slices(false), mostUnderWay: 1 });
});

it('takes small slices where somebody asks who would notice', async () => {
  const swept = await sweepIn({ isCalm: false });
  expect(swept).toMatchObject({ gently: slices(true), mostUnderWay: 1 });
});

it('does not hold back where many ask at once, who wait for each other', async () => {
  const swept = await sweepIn({ isCalm: false, operationsPerCall: 40 });
  expect(swept).toMatchObject({ gently: slices(false), mostUnderWay: 1 });
});

it('takes the word of NATS for slices that follow each other at once', async () => {
  const { asked } = await sweepIn({});
  expect(asked).toBeLessThan(SLICES / 2);
});

it('asks NATS again before a slice when its word is old', async () => {
  const { asked } = await sweepIn({ sliceMs: 15 });
  expect(asked).toBeGreaterThanOrEqual(SLICES);
});

it.each([
  { isCalm: false, who: 'somebody', ends: 4 },
  // It was asked while the slice before was under way.
  { isCalm: true, who: 'nobody', ends: 5 },
])('ends where NATS goes in the middle and $who asks for anything', async ({ isCalm, ends }) => {
  const { gently } = await sweepIn({ isCalm, sliceMs: 15, words: 4 });
  expect(gently).toHaveLength(ends);
});
