import type { Chance } from '../../support/chance.ts';

/** An injected fault. */
export interface Injected {
  /** Its target in reports: `manager-2`. */
  readonly what: string;
  /** Ends the fault. */
  heal(): Promise<void>;
  /** Whether it had an effect, called after it was healed. Default: yes. */
  bit?(): boolean;
}

/** One kind of fault. */
export interface Fault {
  /** Its name for `--faults`. */
  readonly name: string;
  /** A second range of durations in ms, drawn in half of its cases: for faults that must also outlast a lease. */
  readonly longMs?: readonly [least: number, most: number];
  /** Injects it; `undefined` when there is no target at present. */
  inject(chance: Chance): Promise<Injected | undefined>;
}
