import { type Figure, figureOf, ratio } from './figures.ts';
import type { Fleet } from './fleet.ts';
import { LeanSession } from './lean-session.ts';
import { inFlight, perSecond } from './load.ts';
import { AT_ONCE } from './own-takes.ts';
import { CpuMeter } from './processes.ts';
import { pidOf, type Rig } from './rig.ts';
import { repeated, rotated } from './rounds.ts';
import type { Size } from './size.ts';

const COUNTS = [1, 2, 4] as const;
const PARTS = ['managers', 'redis', 'nats', 'load'] as const;
/** Two more managers on the same cores have a cost. */
/** Two shared cores leave none free for a second manager. */
const SLOWER_MIN = 0.6;

/** The same takes, a message each, over a growing number of managers: rate and CPU time. */
export async function replicas(rig: Rig, { rounds, takes }: Size): Promise<Figure[]> {
  const runs: { count: number; fleet: Fleet; session: LeanSession }[] = [];
  for (const count of COUNTS) {
    const fleet = await rig.fleet({ count });
    const session = rig.owned.use(await LeanSession.register(rig.router(fleet)));
    runs.push({ count, fleet, session });
    await oneRun(rig, fleet, session, takes);
  }
  const valuesOf = await repeated(rounds, async (round) => {
    rig.say(`round ${round} of ${rounds}`);
    const all: Record<string, number> = {};
    for (const { count, fleet, session } of rotated(runs, round)) {
      for (const [name, value] of Object.entries(await oneRun(rig, fleet, session, takes))) {
        all[`${count}.${name}`] = value;
      }
    }
    return all;
  });
  const figures = COUNTS.flatMap((count) => figuresOf(count, valuesOf));
  return [...figures, ratioTo1(figures, 2), ratioTo1(figures, 4)];
}

async function oneRun(
  rig: Rig,
  fleet: Fleet,
  session: LeanSession,
  takes: number,
): Promise<Record<string, number>> {
  const meter = new CpuMeter({
    managers: fleet.pids,
    redis: [pidOf(rig.redisServer)],
    nats: [pidOf(rig.natsServer)],
    load: [process.pid],
  });
  const rate = await perSecond(takes, () => inFlight(takes, AT_ONCE, (at) => session.take(at + 1)));
  const costs = PARTS.map((part) => [part, (meter.usedMs(part) * 1000) / takes]);
  await session.releaseMany(takes);
  return { rate, ...Object.fromEntries(costs) };
}

function figuresOf(count: number, valuesOf: (name: string) => number[]): Figure[] {
  const who = `${count} manager${count > 1 ? 's' : ''}`;
  return [
    { id: `replicas.${count}.rate`, what: who, unit: '/s', values: valuesOf(`${count}.rate`) },
    ...PARTS.map((part) => ({
      id: `replicas.${count}.${part}`,
      what: `${who}: CPU of ${part === 'load' ? 'the load' : part} per take`,
      unit: 'µs',
      values: valuesOf(`${count}.${part}`),
    })),
  ];
}

function ratioTo1(figures: readonly Figure[], count: number): Figure {
  const pair = [
    figureOf(figures, `replicas.${count}.rate`),
    figureOf(figures, 'replicas.1.rate'),
  ] as const;
  const target = { atLeast: SLOWER_MIN };
  return ratio(`replicas.${count}/1`, `${count} managers / 1 manager`, pair, target);
}
