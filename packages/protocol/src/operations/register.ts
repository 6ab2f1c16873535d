import * as v from 'valibot';
import type { AlertType } from '../callbacks.ts';
import type { Epoch, Handle, SessionId } from '../ids.ts';
import { Limits } from '../limits.ts';
import { alerts, flag, graceMs, instance, name, positive, request, ttlMs, u32 } from './fields.ts';
import type { OperationFlags } from './flags.ts';

/** Begins a session. `instance` makes a repeated `register` return the same session. */
export const register = { repeatable: true } as const satisfies OperationFlags;

export const registerRequest = request({
  protocolId: u32,
  componentId: u32,
  instance,
  name: v.optional(name, ''),
  ttlMs: v.optional(ttlMs, Limits.ttlMs.default),
  graceMs: v.optional(graceMs, Limits.graceMs.default),
  takeover: v.optional(flag, false),
  resumes: v.optional(positive),
  alerts: v.optional(alerts),
});

export interface RegisterReply {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly ttlMs: number;
  readonly graceMs: number;
  /** Number of the last callback. */
  readonly mailbox: number;
  /** Whether the session inherited interfaces from an earlier one of the same client. */
  readonly resumed: boolean;
  /** With `resumed`: how many interfaces were inherited. */
  readonly owned?: number;
  /** With `resumed`: the epoch of all inherited interfaces. */
  readonly epoch?: Epoch;
  /** The alert types that this session receives. Absent from managers without memberships. */
  readonly alerts?: readonly AlertType[];
}
