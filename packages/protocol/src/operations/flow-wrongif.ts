import type { OperationFlags } from './flags.ts';

/** Passes on that packets arrived on another interface than the incoming one of their entry. A repeat is another hint. */
export const flowWrongIf = { repeatable: true, harmless: true } satisfies OperationFlags;

export { flowWrongIfRequest } from './mfe-reports.ts';

export interface FlowWrongIfReply {
  /** Hints passed on. */
  readonly count: number;
}
