import { setTimeout as delay } from 'node:timers/promises';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Chance } from '../../support/chance.ts';
import type { Fault } from './fault.ts';

/** One fault that was injected and healed. */
export interface Incident {
  readonly fault: string;
  readonly what: string;
  readonly fromMono: number;
  readonly toMono: number;
  readonly bit: boolean;
  /** The longest time for which this process got no CPU during the fault: a busy machine, not the system, is then slow. */
  readonly stallMs: number;
  /** The time from the end of the fault until everything worked again. */
  readonly recoveredMs: number;
}

export interface ScheduleOptions {
  readonly faults: readonly Fault[];
  readonly chance: Chance;
  readonly untilMono: number;
  /** The durations of faults and of the pauses between them, in ms. */
  readonly lasting: readonly [least: number, most: number];
  readonly apart: readonly [least: number, most: number];
  /** Resolves when everything works; rejects after a generous limit. */
  readonly health: () => Promise<void>;
  /** Runs one step with a limit; rejects with its name after that. */
  readonly step: <Result>(name: string, task: () => Promise<Result>) => Promise<Result>;
  /** Called when everything works again after this fault. */
  readonly quiesce: (after: string) => Promise<void>;
  readonly say: (line: string) => void;
}

/** The faults of a run. */
export interface Incidents {
  readonly incidents: readonly Incident[];
  /** The failure that remained after a fault was healed. */
  readonly broken?: string;
}

/**
 * Injects one fault after the other in random order, each kind once before any is repeated. After each fault the system has to
 * recover before the next one; when it does not, the run ends.
 */
export async function injectFaults(options: ScheduleOptions): Promise<Incidents> {
  const { faults, chance, untilMono, health, step, quiesce, say } = options;
  const incidents: Incident[] = [];
  let left: Fault[] = [];
  while (faults.length > 0) {
    if (left.length === 0) left = shuffled(faults, chance);
    await delay(chance.between(...options.apart));
    const fault = left.shift();
    if (!fault) continue;
    const isLong = fault.longMs !== undefined && chance.next() < 0.5;
    const range = isLong ? (fault.longMs ?? options.lasting) : options.lasting;
    const lastingMs = chance.between(...range);
    if (machineMonoMs() + lastingMs > untilMono) return { incidents };
    const fromMono = machineMonoMs();
    const { name } = fault;
    const injected = await step(`inject ${name}`, () => fault.inject(chance));
    if (!injected) {
      say(`${name}: no target`);
      continue;
    }
    say(`${name}: ${injected.what}, ${lastingMs} ms`);
    const stallMs = await delayMeasuringStalls(lastingMs);
    await step(`heal ${name}`, () => injected.heal());
    const toMono = machineMonoMs();
    let recoveredMs: number;
    try {
      await step(`recover from ${name}`, health);
      recoveredMs = Math.round(machineMonoMs() - toMono);
      await step(`check after ${name}`, () => quiesce(`${name} (${injected.what})`));
    } catch (error) {
      const broken = `no recovery after ${name} (${injected.what}): ${String(error)}`;
      return { incidents, broken };
    }
    const bit = injected.bit?.() ?? true;
    const { what } = injected;
    incidents.push({ fault: name, what, fromMono, toMono, bit, stallMs, recoveredMs });
  }
  return { incidents };
}

const LOOK_EVERY_MS = 50;

async function delayMeasuringStalls(ms: number): Promise<number> {
  const untilMono = machineMonoMs() + ms;
  let stallMs = 0;
  for (let mono = machineMonoMs(); mono < untilMono;) {
    await delay(Math.min(LOOK_EVERY_MS, untilMono - mono));
    const nowMono = machineMonoMs();
    stallMs = Math.max(stallMs, nowMono - mono - LOOK_EVERY_MS);
    mono = nowMono;
  }
  return stallMs;
}

function shuffled<Item>(items: readonly Item[], chance: Chance): Item[] {
  const drawn = items.map((item) => ({ item, at: chance.next() }));
  return drawn.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
}
