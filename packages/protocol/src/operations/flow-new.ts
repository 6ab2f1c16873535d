import type { Mfe } from '../mfe.ts';
import type { OperationFlags } from './flags.ts';

/** Reports new flows: each gets a forwarding entry unless it has one. Keyed by (s,g), so a repeat does no harm. */
export const flowNew = { repeatable: true, harmless: true } satisfies OperationFlags;

export { flowNewRequest } from './mfe-fields.ts';

/** What became of a flow, in the order of the request. */
export type FlowResult =
  | { readonly state: 'installed' | 'negative' | 'known'; readonly mfe: Mfe }
  | { readonly state: 'pending'; readonly retryAfterMs: number }
  | { readonly state: 'local' }
  | { readonly state: 'refused'; readonly reason: 'limit' }
  | {
      readonly state: 'refused';
      readonly reason: 'bad-request';
      readonly field: 'group' | 'source';
    };

export interface FlowNewReply {
  readonly results: readonly FlowResult[];
}
