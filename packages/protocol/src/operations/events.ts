import type { EventMessage } from '../events.ts';
import type { Revision } from '../ids.ts';
import { counter, limit, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads the event log from a revision on. */
export const events = READ satisfies OperationFlags;

export const eventsRequest = request({ from: counter, limit });

export interface EventsReply {
  readonly events: readonly EventMessage[];
  readonly head: Revision;
  /** The oldest revision that the log still has. */
  readonly first: Revision;
  /** Random id of the log. */
  readonly log: string;
}
