import type { MfeMessage } from '../mfe.ts';
import { counter, limit, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads the log of forwarding entries from a revision on. */
export const fib = READ satisfies OperationFlags;

export const fibRequest = request({ from: counter, limit });

export interface FibReply {
  /** As published on `mfe`; the first one without what is at or below `from`. */
  readonly changes: readonly MfeMessage[];
  /** The revision of the forwarding entries. */
  readonly head: number;
  /** The oldest revision that the log still has. */
  readonly first: number;
  /** Random id of the logs. */
  readonly log: string;
}
