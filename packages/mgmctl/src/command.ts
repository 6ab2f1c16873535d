import type { Mgm } from '@mgm/client';
import type { ExitCode } from './exit-code.ts';
import type { Output } from './output.ts';

/** What every command works with. */
export interface Given {
  readonly mgm: Mgm;
  readonly out: Output;
  /** Fires when the command is to end. */
  readonly signal: AbortSignal;
}

/** One command: does what its options say and answers what the process ends with. */
export type Command<Options> = (given: Given, options: Options) => Promise<ExitCode>;
