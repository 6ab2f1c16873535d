import * as v from 'valibot';
import { counter, handle, positive, request } from './fields.ts';
import type { OperationFlags } from './flags.ts';

/**
 * Prolongs the lease of a session, and says which replies and callbacks its client no longer needs, and up to which `frev`
 * the forwarding plane of an agent is programmed.
 */
export const keepalive = {
  repeatable: true,
  harmless: true,
} as const satisfies OperationFlags;

export const keepaliveRequest = request({
  handle,
  ack: v.optional(positive),
  mailboxAck: v.optional(counter),
  frev: v.optional(counter),
});

export interface KeepaliveReply {
  readonly ttlMs: number;
  /** Number of the last callback. */
  readonly mailbox: number;
}
