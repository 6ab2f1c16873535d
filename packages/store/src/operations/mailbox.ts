import { callbackMessage } from '../batch-reply.ts';
import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused } from './refusals.ts';

export const mailbox: StoreOperation<'mailbox', 'mailbox'> = {
  script: 'mailbox',
  args: ({ handle, from, limit }) => ({ handle: readHandle(handle), after: from, limit }),
  reply: ({ reply }, { from, limit }) => {
    if (reply.kind !== 'messages') return sessionRefused(reply);
    const messages = reply.entries.flatMap(({ ts, callbacks }) =>
      callbacks.map((callback) => callbackMessage(callback, ts)),
    );
    return {
      status: 0,
      messages: messages.filter(({ seq }) => seq > from).slice(0, limit),
      head: reply.head,
    };
  },
};
