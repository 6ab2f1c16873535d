import { setImmediate as turn } from 'node:timers/promises';
import { routerName } from '@mgm/protocol';
import pino from 'pino';
import { expect, it } from 'vitest';
import { Figures } from './figures.ts';
import { KnownRouters } from './known-routers.ts';
import { Sweeper } from './sweeper.ts';
import { TroubleLog } from './trouble-log.ts';

const ROUTER = routerName('r1');
const SLICES = 5;

interface Asked {
  readonly isCalm: boolean;
  readonly operationsPerCall: number;
}

/** How the slices of one sweep went while others asked so, or did not. */
async function sweepBeside({ isCalm, operationsPerCall }: Asked) {
  const gently: boolean[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const oneThing = async (): Promise<void> => {
    mostUnderWay = Math.max(mostUnderWay, ++underWay);
    await turn();
    underWay--;
  };
  const routers = new KnownRouters([]);
  routers.listed([ROUTER]);
  const log = pino({ level: 'silent' });
  const sweeper = new Sweeper({
    routers,
    intake: { isCalm },
    bus: {
      reaches: async () => {
        await oneThing();
        return true;
      },
    },
    store: {
      operationsPerCall: () => operationsPerCall,
      sweep: async (_, options) => {
        gently.push(options?.gently ?? false);
        await oneThing();
        return { ended: 1, released: 1, more: gently.length < SLICES };
      },
    },
    trouble: new TroubleLog(log),
    figures: new Figures(),
    everyMs: 60_000,
  });
  while (gently.length < SLICES) await turn();
  await sweeper.stop();
  return { gently, mostUnderWay };
}

const slices = (gently: boolean) => Array.from({ length: SLICES }, () => gently);

it('asks NATS while it sweeps where nobody asks for anything', async () => {
  const swept = await sweepBeside({ isCalm: true, operationsPerCall: 1 });
  expect(swept).toEqual({ gently: slices(false), mostUnderWay: 2 });
});

it('takes small slices, one thing after the other, where somebody asks who would notice', async () => {
  const swept = await sweepBeside({ isCalm: false, operationsPerCall: 1 });
  expect(swept).toEqual({ gently: slices(true), mostUnderWay: 1 });
});

it('does not hold back where many ask at once, who wait for each other', async () => {
  const swept = await sweepBeside({ isCalm: false, operationsPerCall: 40 });
  expect(swept).toEqual({ gently: slices(false), mostUnderWay: 2 });
});
