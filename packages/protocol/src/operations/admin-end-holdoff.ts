import { reasonText, request } from './fields.ts';
import type { OperationFlags } from './flags.ts';

/** An operator ends the hold-off after data loss. */
export const adminEndHoldoff = {} as const satisfies OperationFlags;

export const adminEndHoldoffRequest = request({ actor: reasonText, why: reasonText });

export interface AdminEndHoldoffReply {
  /** How long the hold-off would have lasted, in ms of the service clock. */
  readonly leftMs: number;
}
