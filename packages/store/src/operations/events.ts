import { refusal } from '@mgm/protocol';
import { eventsOf } from '../batch-reply.ts';
import type { StoreOperation } from './operation.ts';

export const events: StoreOperation<'events', 'events'> = {
  script: 'events',
  args: ({ from, limit }) => ({ after: from, limit }),
  reply: ({ reply, batch }, { from, limit }) => {
    if (reply.kind === 'compacted') {
      const { first } = reply;
      return refusal('compacted', `the log starts at ${first}`, { first });
    }
    const found = reply.entries.flatMap(({ ts, runs }) => runs.flatMap((run) => eventsOf(run, ts)));
    return {
      status: 0,
      events: found.filter(({ rev }) => rev > from).slice(0, limit),
      head: batch.rev,
      first: reply.first,
      log: batch.log,
    };
  },
};
