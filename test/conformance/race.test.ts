import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import type { BulkResult } from '../support/raw-operations.ts';
import { ok } from '../support/raw-replies.ts';
import {
  type Pair,
  pairs,
  Protocols,
  type RawRouter,
  type RawSession,
} from '../support/raw-client.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

const WORKERS = 16;
const INTERFACES = 100;
const ROUNDS = 50;

overReplicas((stage) => {
  it(
    '16 workers race for the same 100 interfaces 50 times: one owner each, every time',
    { timeout: 600_000 },
    async () => {
      const seed = randomInt(2 ** 31);
      const shuffle = shuffler(seed);
      const { router, workers } = await manyWorkers(stage);
      const highest = new Map<number, bigint>();
      for (let round = 0; round < ROUNDS; round++) {
        await playRound(router, workers, shuffle, highest).catch((cause: unknown) => {
          throw new Error(`seed ${seed}, round ${round}`, { cause });
        });
      }
      expect(ok(await router.request('interfaces', {})).items).toEqual([]);
      const changes = 2 * INTERFACES * ROUNDS;
      expect(await router.rev()).toBe(WORKERS + changes);
    },
  );
});

/** One race: every interface gets one owner, under an epoch above all earlier ones, which then releases it. */
async function playRound(
  router: RawRouter,
  workers: readonly RawSession[],
  shuffle: Shuffle,
  highest: Map<number, bigint>,
): Promise<void> {
  const won = await race(workers, shuffle);
  expect([...won.keys()].toSorted((a, b) => a - b)).toEqual(indexes());
  await expectOwners(router, won);
  for (const [ifIndex, { epoch }] of won) {
    expect(epoch).toBeGreaterThan(highest.get(ifIndex) ?? 0n);
    highest.set(ifIndex, epoch);
  }
  await releaseAll(workers, won);
}

interface Win {
  readonly worker: RawSession;
  readonly epoch: bigint;
}

/** Each worker over a connection of its own, as in a process of its own. */
async function manyWorkers(stage: Stage): Promise<{ router: RawRouter; workers: RawSession[] }> {
  const router = stage.router();
  const workers: RawSession[] = [];
  for (let componentId = 1; componentId <= WORKERS; componentId++) {
    const own = router.over(await stage.connect());
    workers.push(await own.register({ protocolId: Protocols.pim, componentId }));
  }
  return { router, workers };
}

/** All workers request all interfaces concurrently. Returns the winner of each; two winners are an error. */
async function race(workers: readonly RawSession[], shuffle: Shuffle): Promise<Map<number, Win>> {
  const won = new Map<number, Win>();
  const runs = workers.map(async (worker) => {
    for (const chunk of chunks(shuffle(pairs(INTERFACES)))) {
      for (const [at, result] of (await takeChunk(worker, chunk)).entries()) {
        const [ifIndex = 0] = chunk[at] ?? [];
        if (result.status !== 0) expect(result.reason).toBe('already-owned');
        else if (won.has(ifIndex)) throw new Error(`two owners of ${ifIndex}`);
        else won.set(ifIndex, { worker, epoch: BigInt(result.epoch ?? 0) });
      }
    }
  });
  await Promise.all(runs);
  return won;
}

/** A single interface by a plain request, several in bulk: both kinds race in the same round. */
async function takeChunk(
  worker: RawSession,
  chunk: readonly Pair[],
): Promise<readonly BulkResult[]> {
  const [only] = chunk;
  if (chunk.length > 1 || !only) return ok(await worker.takeAll(chunk)).results;
  return [await worker.take(only[0])];
}

/** Four plain requests, then bulk requests of 24, so that a race has many interleavings. */
function chunks(all: readonly Pair[]): (readonly Pair[])[] {
  const singles = all.slice(0, 4).map((pair) => [pair]);
  return [...singles, ...[4, 28, 52, 76].map((at) => all.slice(at, at + 24))];
}

async function expectOwners(router: RawRouter, won: ReadonlyMap<number, Win>): Promise<void> {
  await Promise.all(
    [...won].map(async ([ifIndex, { worker, epoch }]) => {
      const owner = ok(await router.owner(ifIndex));
      expect(owner).toMatchObject({ ...worker.named, epoch: String(epoch) });
    }),
  );
}

async function releaseAll(
  workers: readonly RawSession[],
  won: ReadonlyMap<number, Win>,
): Promise<void> {
  const releases = workers.map(async (worker) => {
    const mine = [...won].filter(([, win]) => win.worker === worker).map(([at]): Pair => [at, '']);
    if (mine.length === 0) return;
    const { results } = ok(await worker.releaseAll(mine));
    for (const result of results) expect(result).toMatchObject({ status: 0 });
  });
  await Promise.all(releases);
}

type Shuffle = <T>(all: readonly T[]) => T[];

/** Fisher and Yates with the numbers of a seeded generator (mulberry32), so that a failure can be repeated. */
function shuffler(seed: number): Shuffle {
  let state = seed;
  const random = (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
  return <T>(all: readonly T[]): T[] => {
    const shuffled = [...all];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = random(at + 1);
      const [here, there] = [shuffled[at], shuffled[other]];
      if (here !== undefined && there !== undefined)
        [shuffled[at], shuffled[other]] = [there, here];
    }
    return shuffled;
  };
}

function indexes(): number[] {
  return pairs(INTERFACES).map(([ifIndex]) => ifIndex);
}
