import type { ReportedMfe } from '../mfe.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads a forwarding entry. */
export const mfeGet = READ satisfies OperationFlags;

export { mfeGetRequest } from './mfe-fields.ts';

export interface MfeGetReply {
  readonly mfe: ReportedMfe;
  /** The revision of the forwarding entries. */
  readonly frev: number;
  /** The lowest `frev` up to which an agent is programmed; absent without agents. */
  readonly programmed?: number;
}
