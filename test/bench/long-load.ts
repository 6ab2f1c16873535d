import type { Figure } from './figures.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight } from './load.ts';
import { AT_ONCE } from './own-takes.ts';
import { residentBytesOf } from './processes.ts';
import type { Rig } from './rig.ts';
import type { Size } from './size.ts';
import { median } from './statistics.ts';

const MEGABYTE = 1024 * 1024;
const AT_A_TIME = 2_048;
const LOOKS = 60;
/** However slow the machine is. */
const LOOKS_MIN = 6;
const GROWTH_MAX = 1.1;

/** Takes and releases without a pause: whether the manager grows. The first third of the time only warms up. */
export async function longLoad(rig: Rig, { minutes }: Size): Promise<Figure[]> {
  const fleet = await rig.fleet();
  const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
  const lastsMs = minutes * 60_000;
  rig.say(`load for ${minutes} min (--minutes 60 for an hour)`);
  const looks: number[] = [];
  const startedMono = performance.now();
  let changes = 0;
  for (let elapsedMs = 0; elapsedMs < lastsMs || looks.length < LOOKS_MIN;) {
    await inFlight(AT_A_TIME, AT_ONCE, (at) => session.take(at + 1));
    await session.releaseMany(AT_A_TIME);
    changes += 2 * AT_A_TIME;
    elapsedMs = performance.now() - startedMono;
    if (elapsedMs > (looks.length * lastsMs) / LOOKS) looks.push(megabytesOf(fleet.pids));
  }
  const third = Math.ceil(looks.length / 3);
  const [early, late] = [median(looks.slice(third, 2 * third)), median(looks.slice(2 * third))];
  return [
    figure('changes', 'changes under load', changes, ''),
    figure('minutes', 'load', minutes, 'min'),
    figure('early', 'manager, second third of the time', early, 'MiB'),
    figure('late', 'manager, last third', late, 'MiB'),
    {
      ...figure('growth', 'last third / second third', late / early, '×'),
      target: { atMost: GROWTH_MAX },
    },
  ];
}

function megabytesOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0) / MEGABYTE;
}

function figure(id: string, what: string, value: number, unit: string): Figure {
  return { id: `load.${id}`, what, unit, values: [value] };
}
