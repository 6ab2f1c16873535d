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
  /** How long it took after it was healed until everything worked again. */
  readonly recoveredMs: number;
}

export interface ScheduleOptions {
  readonly faults: readonly Fault[];
  readonly chance: Chance;
  readonly untilMono: number;
  /** How long faults last, and lie apart, in ms. */
  readonly lasting: readonly [least: number, most: number];
  readonly apart: readonly [least: number, most: number];
  /** Resolves when everything works; rejects when it does not in a time that is long enough. */
  readonly health: () => Promise<void>;
  readonly say: (line: string) => void;
}

/** What became of the faults of a run. */
export interface Incidents {
  readonly incidents: readonly Incident[];
  /** Why nothing works any more, although everything was healed. */
  readonly broken?: string;
}

/**
 * Injects one fault after the other, drawn by chance, each kind once before any comes again. After each is healed everything
 * has to work again before the next; where it does not, that is the end.
 */
export async function injectFaults(options: ScheduleOptions): Promise<Incidents> {
  const { faults, chance, untilMono, health, say } = options;
  const incidents: Incident[] = [];
  let left: Fault[] = [];
  while (faults.length > 0) {
    if (left.length === 0) left = shuffled(faults, chance);
    await delay(chance.between(...options.apart));
    const lastingMs = chance.between(...options.lasting);
    if (machineMonoMs() + lastingMs > untilMono) return { incidents };
    const fault = left.shift();
    if (!fault) continue;
    const fromMono = machineMonoMs();
    const injected = await fault.inject(chance);
    if (!injected) {
      say(`${fault.name}: nothing to break`);
      continue;
    }
    say(`${fault.name}: ${injected.what}, ${lastingMs} ms`);
    await delay(lastingMs);
    await injected.heal();
    const toMono = machineMonoMs();
    try {
      await health();
    } catch (error) {
      const broken = `nothing works after ${fault.name} (${injected.what}): ${String(error)}`;
      return { incidents, broken };
    }
    const recoveredMs = Math.round(machineMonoMs() - toMono);
    const bit = injected.bit?.() ?? true;
    incidents.push({ fault: fault.name, what: injected.what, fromMono, toMono, bit, recoveredMs });
  }
  return { incidents };
}

function shuffled<Item>(items: readonly Item[], chance: Chance): Item[] {
  const drawn = items.map((item) => ({ item, at: chance.next() }));
  return drawn.toSorted((a, b) => a.at - b.at).map(({ item }) => item);
}
