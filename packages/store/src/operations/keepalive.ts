import { readHandle } from '../names.ts';
import type { StoreOperation } from './operation.ts';
import { sessionRefused } from './refusals.ts';

export const keepalive: StoreOperation<'keepalive', 'keepalive'> = {
  script: 'keepalive',
  args: ({ handle, ack = 0, mailboxAck = 0, frev = -1 }) => ({
    handle: readHandle(handle),
    ack,
    mailboxAck,
    frev,
  }),
  reply: ({ reply }) =>
    reply.kind === 'kept'
      ? { status: 0, ttlMs: reply.ttlMs, mailbox: reply.mailbox }
      : sessionRefused(reply),
};
