import type { OperationFlags } from './flags.ts';

/** Reports forwarding entries that an agent could not program, or could after all. A repeat does no harm. */
export const flowFailed = { repeatable: true, harmless: true } satisfies OperationFlags;

export { flowFailedRequest } from './mfe-reports.ts';

export interface FlowFailedReply {
  /** Items about present incarnations. */
  readonly count: number;
}
