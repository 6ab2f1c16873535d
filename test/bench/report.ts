import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import type { Figure } from './figures.ts';
import type { ScenarioName } from './scenarios.ts';

const GIBIBYTE = 1024 ** 3;

/** The machine of a run. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

/** One scenario of one run. */
export interface Section {
  readonly scenario: ScenarioName;
  /** When it ended, as ISO 8601. */
  readonly at: string;
  readonly servers: string;
  readonly machine: Machine;
  /** The load average of the last minute at its start. */
  readonly loadBefore: number;
  /** Whether it was a short run, which is not recorded. */
  readonly quick: boolean;
  readonly figures: readonly Figure[];
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / GIBIBYTE),
    kernel: release(),
    node: process.versions.node,
  };
}

export function loadNow(): number {
  return loadavg()[0] ?? 0;
}
