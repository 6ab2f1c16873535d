import type { MembershipEvent } from '../events.ts';
import { counter, limit, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads the membership log from a membership revision on. */
export const memberEvents = READ satisfies OperationFlags;

export const memberEventsRequest = request({ from: counter, limit });

export interface MemberEventsReply {
  readonly events: readonly MembershipEvent[];
  /** The last membership revision. */
  readonly head: number;
  /** The oldest membership revision that the log still has. */
  readonly first: number;
  /** Random id of the logs. */
  readonly log: string;
}
