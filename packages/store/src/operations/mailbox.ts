import type { AlertMessage, CallbackMessage } from '@mgm/protocol';
import { callbackMessage } from '../batch-reply.ts';
import type { MailEntry } from '../generated/arbiter.ts';
import { alertMessage } from '../membership-messages.ts';
import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused } from './refusals.ts';

export const mailbox: StoreOperation<'mailbox', 'mailbox'> = {
  script: 'mailbox',
  args: ({ handle, from, limit }) => ({ handle: readHandle(handle), after: from, limit }),
  reply: ({ reply }, { from, limit }) => {
    if (reply.kind !== 'messages') return sessionRefused(reply);
    const messages = reply.entries.flatMap(messagesOf);
    return {
      status: 0,
      messages: messages.filter(({ seq }) => seq > from).slice(0, limit),
      head: reply.head,
    };
  },
};

/** The messages of one batch, in the order of their numbers. */
function messagesOf({ ts, callbacks, alerts }: MailEntry): (CallbackMessage | AlertMessage)[] {
  const messages = callbacks.map((callback) => callbackMessage(callback, ts));
  if (alerts.length === 0) return messages;
  const all = [...messages, ...alerts.map((alert) => alertMessage(alert, alert.seq, ts))];
  return all.toSorted((one, other) => one.seq - other.seq);
}
