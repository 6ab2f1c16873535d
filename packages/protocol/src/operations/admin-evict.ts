import { positive, reasonText, request } from './fields.ts';
import type { OperationFlags } from './flags.ts';

/** An operator ends a session. */
export const adminEvict = {} as const satisfies OperationFlags;

export const adminEvictRequest = request({ session: positive, actor: reasonText, why: reasonText });

export interface AdminEvictReply {
  /** How many interfaces it held. */
  readonly released: number;
}
