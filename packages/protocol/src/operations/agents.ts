import type { SessionId } from '../ids.ts';
import { page, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Lists the forwarder agents: sessions that sent a `frev`, page by page. */
export const agents = READ satisfies OperationFlags;

export const agentsRequest = request(page);

/** A forwarder agent. Forwarding contract, section 8.3. */
export interface AgentItem {
  readonly session: SessionId;
  readonly name: string;
  /** Every change up to it is in its forwarding plane, or reported as failed. */
  readonly frev: number;
  /** How many forwarding entries it reports as failed. */
  readonly failed: number;
}

export interface AgentsReply {
  readonly items: readonly AgentItem[];
  /** Absent at the end. */
  readonly cursor?: string;
  /** The revision of the forwarding entries. */
  readonly frev: number;
  /** Random id of the logs. */
  readonly log: string;
}
