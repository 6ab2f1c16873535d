import type { OperationFlags } from './flags.ts';

/** Reports the counters of forwarding entries, as absolute values of a session. A repeat does no harm. */
export const flowStats = { repeatable: true, harmless: true } satisfies OperationFlags;

export { flowStatsRequest } from './mfe-reports.ts';

export interface FlowStatsReply {
  /** Items about present incarnations. */
  readonly count: number;
}
