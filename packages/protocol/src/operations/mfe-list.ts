import type { ReportedMfe } from '../mfe.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Lists the forwarding entries, page by page. */
export const mfeList = READ satisfies OperationFlags;

export { mfeListRequest } from './mfe-fields.ts';

export interface MfeListReply {
  readonly items: readonly ReportedMfe[];
  /** Absent at the end. */
  readonly cursor?: string;
  /** The revision of the forwarding entries. */
  readonly frev: number;
  /** The lowest `frev` up to which an agent is programmed; absent without agents. */
  readonly programmed?: number;
  /** Random id of the logs. */
  readonly log: string;
}
