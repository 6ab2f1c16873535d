import type { Chance } from '../../support/chance.ts';

/** What a fault has done. */
export interface Injected {
  /** What was hit, for people: `manager-2`. */
  readonly what: string;
  /** Resolves when everything is as it was before. */
  heal(): Promise<void>;
  /** Whether it was felt, asked after it was healed. Default: it was, by what it is. */
  bit?(): boolean;
}

/** One kind of fault. */
export interface Fault {
  /** As `--faults` names it. */
  readonly name: string;
  /** Breaks something; `undefined` where there is nothing to break at this moment. */
  inject(chance: Chance): Promise<Injected | undefined>;
}
