import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from './figures.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight } from './load.ts';
import { AT_ONCE } from './own-takes.ts';
import { residentBytesOf } from './processes.ts';
import type { Rig } from './rig.ts';
import type { Size } from './size.ts';
import { median } from './statistics.ts';

const MEGABYTE = 1024 * 1024;
const LOOKS = 60;
const GROWTH_MAX = 1.1;

interface Load {
  /** Concurrent takes. */
  readonly width: number;
  /** Number of takes before all interfaces are released. */
  readonly count: number;
}

const CROWD: Load = { width: AT_ONCE, count: 2 * AT_ONCE };
/** Below the size of a batch: on this router no request is ever queued. */
const FEW: Load = { width: 16, count: 64 };

/**
 * Takes and releases without a pause, on a crowded router and on an uncrowded one: whether the memory of the manager grows. The
 * first third of the time warms up.
 */
export async function longLoad(rig: Rig, { minutes }: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const lastsMs = minutes * 60_000;
  rig.say(`load for ${minutes} min (--minutes 60 for an hour)`);
  const overMono = performance.now() + lastsMs;
  const loads = [CROWD, FEW].map(async (load) => {
    using session = await LeanSession.register(rig.router(fleet));
    return await changesUntil(overMono, session, load);
  });
  const [looks, ...changes] = await Promise.all([memoryOver(lastsMs, fleet.pids), ...loads]);
  const third = Math.ceil(looks.length / 3);
  const [early, late] = [median(looks.slice(third, 2 * third)), median(looks.slice(2 * third))];
  return [
    figure('changes', 'changes, on a crowded router', changes[0] ?? 0, ''),
    figure('few', 'changes, on one with 16 in flight', changes[1] ?? 0, ''),
    figure('minutes', 'load', minutes, 'min'),
    figure('early', 'manager, second third of the time', early, 'MiB'),
    figure('late', 'manager, last third', late, 'MiB'),
    {
      ...figure('growth', 'last third / second third', late / early, '×'),
      target: { atMost: GROWTH_MAX },
    },
  ];
}

async function changesUntil(
  overMono: number,
  session: LeanSession,
  { width, count }: Load,
): Promise<number> {
  let changes = 0;
  while (performance.now() < overMono) {
    await inFlight(count, width, (at) => session.take(at + 1));
    await session.releaseMany(count);
    changes += 2 * count;
  }
  return changes;
}

async function memoryOver(lastsMs: number, pids: readonly number[]): Promise<number[]> {
  const looks: number[] = [];
  while (looks.length < LOOKS) {
    await sleep(lastsMs / LOOKS);
    looks.push(megabytesOf(pids));
  }
  return looks;
}

function megabytesOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0) / MEGABYTE;
}

function figure(id: string, what: string, value: number, unit: string): Figure {
  return { id: `load.${id}`, what, unit, values: [value] };
}
