import type { AlertMessage, CallbackMessage } from '../callbacks.ts';
import { counter, handle, limit, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads callbacks of a session that it has not acknowledged. */
export const mailbox = READ satisfies OperationFlags;

export const mailboxRequest = request({ handle, from: counter, limit });

export interface MailboxReply {
  readonly messages: readonly (CallbackMessage | AlertMessage)[];
  /** Number of the last callback. */
  readonly head: number;
}
