import type { Mfe } from '../mfe.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads a forwarding entry. */
export const mfeGet = READ satisfies OperationFlags;

export { mfeGetRequest } from './mfe-fields.ts';

export interface MfeGetReply {
  readonly mfe: Mfe;
  /** The revision of the forwarding entries. */
  readonly frev: number;
}
