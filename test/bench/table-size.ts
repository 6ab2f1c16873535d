import { type Figure, ratio, type Target } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight, perSecond } from './load.ts';
import type { Rig } from './rig.ts';
import { repeated, rotated } from './rounds.ts';
import type { Size } from './size.ts';
import { quantile } from './statistics.ts';

const HOLDER = 2;
const AT_ONCE = 64;
/** Enough requests that occasional disturbances of the machine occur in every run. */
const TAKES = 32_768;
const FLAT = 0.15;
/** On two shared cores the p99 depends on the scheduler more than on the size of the router. */
const FLAT_P99 = 0.5;
const BYTES_MAX = 300;
const MUCH = 10_000;

/** Ids name the position, not the number, so that runs of different sizes have the same ids. */
const PLACES = ['small', 'middle', 'large'] as const;

interface Table {
  readonly place: string;
  readonly owned: number;
  readonly bytesEach: number;
  readonly session: LeanSession;
}

/** Routers with few, many and very many owned interfaces: the latency of a take, and the memory of an interface in Redis. */
export async function tableSize(rig: Rig, { rounds, tables, takes }: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const filled: Table[] = [];
  for (const [at, owned] of tables.entries()) {
    rig.say(`a router that owns ${owned} interfaces`);
    filled.push(await fill(rig, fleet, PLACES[at] ?? String(at), owned));
  }
  const count = Math.min(TAKES, takes);
  for (const table of filled) await oneRun(table, count);
  const valuesOf = await repeated(rounds, async (round) => {
    rig.say(`round ${round} of ${rounds}`);
    const all: Record<string, number> = {};
    for (const table of rotated(filled, round)) {
      const { rate, p99 } = await oneRun(table, count);
      all[`${table.place}.rate`] = rate;
      all[`${table.place}.p99`] = p99;
    }
    return all;
  });
  const rates = filled.map((table) =>
    figureOf(table, 'rate', 'takes, 64 in flight', '/s', valuesOf),
  );
  const p99s = filled.map((table) => figureOf(table, 'p99', 'take p99', 'ms', valuesOf));
  return [
    ...rates,
    ...p99s,
    ...comparedToFirst(filled, rates, 'rate', { atLeast: 1 - FLAT }),
    ...comparedToFirst(filled, p99s, 'p99', { atMost: 1 + FLAT_P99 }),
    ...filled.map(weight),
  ];
}

async function fill(rig: Rig, fleet: Fleet, place: string, owned: number): Promise<Table> {
  const router = rig.router(fleet);
  const before = await usedBytes(rig);
  const holder = rig.owned.use(await LeanSession.register(router, HOLDER));
  await holder.takeMany(owned);
  // The event log has a bound of its own and is not counted.
  await rig.redis.xtrim(`${fleet.keyPrefix}:{${router.name}}:events`, 'MAXLEN', 0);
  const bytesEach = ((await usedBytes(rig)) - before) / owned;
  const session = rig.owned.use(await LeanSession.register(router));
  return { place, owned, bytesEach, session };
}

async function oneRun(
  { owned, session }: Table,
  count: number,
): Promise<{ readonly rate: number; readonly p99: number }> {
  const first = owned + 1;
  const latencies: number[] = [];
  const rate = await perSecond(count, () =>
    inFlight(count, AT_ONCE, async (at) => {
      const sentMono = performance.now();
      await session.take(first + at);
      latencies.push(performance.now() - sentMono);
    }),
  );
  await session.releaseMany(count, first);
  return { rate, p99: quantile(latencies, 0.99) };
}

function figureOf(
  { place, owned }: Table,
  name: string,
  what: string,
  unit: string,
  valuesOf: (name: string) => number[],
): Figure {
  const id = `table.${place}.${name}`;
  return {
    id,
    what: `${thousands(owned)} owned: ${what}`,
    unit,
    values: valuesOf(`${place}.${name}`),
  };
}

function comparedToFirst(
  [smallest, ...larger]: readonly Table[],
  [first, ...others]: readonly Figure[],
  name: string,
  target: Target,
): Figure[] {
  if (!smallest || !first) return [];
  return larger.flatMap(({ place, owned }, at) => {
    const other = others[at];
    const what = `${thousands(owned)} / ${thousands(smallest.owned)} owned: ${name}`;
    const id = `table.${place}/${smallest.place}.${name}`;
    return other ? [ratio(id, what, [other, first], target)] : [];
  });
}

/** With few interfaces the memory of the router and the session dominates. */
function weight({ place, owned, bytesEach }: Table): Figure {
  const isMuch = owned >= MUCH;
  return {
    id: `table.${place}.bytes`,
    what: `${thousands(owned)} owned: Redis memory per interface`,
    unit: 'bytes',
    values: [bytesEach],
    ...(isMuch && { target: { atMost: BYTES_MAX } }),
  };
}

function thousands(count: number): string {
  return count.toLocaleString('en').replaceAll(',', ' ');
}

async function usedBytes({ redis }: Rig): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}
