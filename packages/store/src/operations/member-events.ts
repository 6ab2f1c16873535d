import { refusal, type MembershipEvent } from '@mgm/protocol';
import { membershipEventOf } from '../membership-messages.ts';
import type { StoreOperation } from './operation.ts';

export const memberEvents: StoreOperation<'member.events', 'member_events'> = {
  script: 'member_events',
  args: ({ from, limit }) => ({ after: from, limit }),
  reply: ({ reply, batch }, { from, limit }) => {
    if (reply.kind === 'compacted') {
      const { first } = reply;
      return refusal('compacted', `the log starts at ${first}`, { first });
    }
    const found = reply.entries.flatMap(({ ts, runs }) =>
      runs.map((run) => membershipEventOf(run, ts)),
    );
    return {
      status: 0,
      events: found
        .filter(({ mrev }) => mrev > from)
        .map((event) => after(event, from))
        .slice(0, limit),
      head: batch.members.mrev,
      first: reply.first,
      log: batch.log,
    };
  },
};

/** The part of an event behind a revision. */
function after(event: MembershipEvent, from: number): MembershipEvent {
  if (event.first > from) return event;
  return { ...event, first: from + 1, items: event.items.slice(from + 1 - event.first) };
}
