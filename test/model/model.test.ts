import { startRedis, type RunningServer } from '@mgm/devstack';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, inject, it } from 'vitest';
import { turns, type Scale } from './generate.ts';
import { openManagers, type Managers } from './manager.ts';
import { play } from './run.ts';
import { PAIRS } from './clients.ts';
import type { InterfaceName } from './vocabulary.ts';

/** `FC_RUNS=5000` for a long run, `FC_SEED` and `FC_PATH` to repeat a failure. */
const { FC_RUNS = '150', FC_SEED, FC_PATH } = process.env;
const RUNS = Number(FC_RUNS);
const SEED = FC_SEED === undefined ? {} : { seed: Number(FC_SEED) };
const PATH = FC_PATH === undefined ? {} : { path: FC_PATH };

let redis: RunningServer;
let managers: Managers;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());
beforeEach(async () => {
  managers = await openManagers(redis.url);
});
afterEach(async () => {
  await managers[Symbol.asyncDispose]();
});

async function checkRuns(
  scale: Scale,
  names: readonly InterfaceName[],
  runs: number,
): Promise<void> {
  const property = fc.asyncProperty(turns(scale), async (all) => {
    await managers.redis.flushall();
    await play(managers, names, all);
  });
  await fc.assert(property, { numRuns: runs, includeErrorInReport: true, ...SEED, ...PATH });
}

const FEW = ['1:', '1:10.0.0.1', '2:', '2:2001:db8::1'];
const MANY = Array.from({ length: 600 }, (_, at) => `${at + 1}:`);

it(
  'a router agrees with the model for random requests in random order',
  { timeout: 120_000 + RUNS * 2_000 },
  () =>
    checkRuns(
      { clients: PAIRS.length, interfaces: FEW.length, countMax: 5, turnsMax: 70 },
      FEW,
      RUNS,
    ),
);

it(
  'a router agrees with the model with more interfaces than one slice of a sweep',
  { timeout: 120_000 + RUNS * 2_000 },
  () =>
    checkRuns(
      { clients: 4, interfaces: MANY.length, countMax: 600, turnsMax: 24 },
      MANY,
      Math.ceil(RUNS / 10),
    ),
);
