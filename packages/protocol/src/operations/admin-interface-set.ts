import * as v from 'valibot';
import { flag, onInterface, reasonText, request, u32 } from './fields.ts';
import type { OperationFlags } from './flags.ts';

/** An operator changes settings of an interface. Not repeated by itself: another operator may have changed them meanwhile. */
export const adminInterfaceSet = {} as const satisfies OperationFlags;

export const adminInterfaceSetRequest = request(
  onInterface,
  { maxGroups: v.optional(u32), maxEntries: v.optional(u32), lite: v.optional(flag) },
  { actor: reasonText, why: reasonText },
);

/** Settings of an interface that operators make. Forwarding contract, section 10. */
export interface InterfaceLimits {
  /** How many groups may have memberships on it; 0: no limit. */
  readonly maxGroups: number;
  /** How many memberships may be on it; 0: no limit. */
  readonly maxEntries: number;
  /** Whether exclude lists are ignored there. */
  readonly lite: boolean;
}

/** The settings as they were before. */
export interface AdminInterfaceSetReply extends InterfaceLimits {
  /** Whether a setting changed. */
  readonly changed: boolean;
}
