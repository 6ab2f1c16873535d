import { entryNamed, type OperatorEvent } from '@mgm/protocol';
import { settingsOf } from '../batch-reply.ts';
import type { OperatorEntry } from '../generated/arbiter.ts';
import type { StoreOperation } from './operation.ts';

export const adminEvents: StoreOperation<'admin.events', 'admin_events'> = {
  script: 'admin_events',
  args: ({ from, limit }) => ({ after: from, limit }),
  reply: ({ reply: { entries, head, first } }) => ({
    status: 0,
    events: entries.map(operatorEvent),
    head,
    first,
  }),
};

/** An entry as messages carry it: fields that do not apply are absent. */
function operatorEvent({
  number,
  ts,
  type,
  rev,
  operation,
  actor,
  why,
  reason,
  session,
  protocolId,
  componentId,
  cause,
  interface: on,
  epoch,
  caller,
  entry,
  settings,
}: OperatorEntry): OperatorEvent {
  return {
    number,
    ts,
    type: type as OperatorEvent['type'],
    rev,
    operation,
    actor,
    why,
    ...(reason !== undefined && { reason }),
    ...(session !== undefined && { session }),
    // A refused attempt names a session or an interface, but no client.
    ...(session !== undefined && type !== 'refused' && { protocolId, componentId }),
    ...(cause !== undefined && { cause }),
    ...on,
    ...(epoch !== undefined && { epoch }),
    ...(caller !== undefined && { caller }),
    ...(entry !== undefined && entryNamed(entry)),
    ...settingsOf(settings),
  };
}
