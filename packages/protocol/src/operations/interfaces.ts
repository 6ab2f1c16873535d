import * as v from 'valibot';
import { page, positive, request, u32 } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';
import type { InterfaceItem } from './holder.ts';

/** Lists the interfaces that are held, page by page. */
export const interfaces = READ satisfies OperationFlags;

export const interfacesRequest = request(page, {
  protocolId: v.optional(u32),
  session: v.optional(positive),
});

export interface InterfacesReply {
  readonly items: readonly InterfaceItem[];
  /** Absent at the end. */
  readonly cursor?: string;
  /** Random id of the event log. */
  readonly log: string;
}
