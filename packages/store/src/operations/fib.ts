import { refusal, type MfeMessage } from '@mgm/protocol';
import { mfeMessage } from '../forwarding-messages.ts';
import type { StoreOperation } from './operation.ts';

export const fib: StoreOperation<'fib', 'fib'> = {
  script: 'fib',
  args: ({ from, limit }) => ({ after: from, limit }),
  reply: ({ reply, batch }, { from }) => {
    if (reply.kind === 'compacted') {
      const { first } = reply;
      return refusal('compacted', `the log starts at ${first}`, { first });
    }
    const changes = reply.messages.map((message) => after(mfeMessage(message), from));
    const { frev: head } = batch.view;
    return { status: 0, changes, head, first: reply.first, log: batch.log };
  },
};

/** The part of a message behind a revision. */
function after(message: MfeMessage, from: number): MfeMessage {
  if (message.first > from) return message;
  return { ...message, first: from + 1, items: message.items.slice(from + 1 - message.first) };
}
