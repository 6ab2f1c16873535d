import { SEQUENCED, type OperationFlags } from './flags.ts';

/** Sets the upstream router or the life of a forwarding entry that the session's client owns. */
export const mfeSet = SEQUENCED satisfies OperationFlags;

export { mfeSetRequest } from './mfe-set-fields.ts';

export interface MfeSetReply {
  /** The revision of the forwarding entries after the operation. */
  readonly frev: number;
}
