import type { SessionId } from '../ids.ts';
import { page, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Lists the sessions of a router, page by page. */
export const sessions = READ satisfies OperationFlags;

export const sessionsRequest = request(page);

/** One session of a listing. */
export interface SessionItem {
  readonly session: SessionId;
  readonly protocolId: number;
  readonly componentId: number;
  readonly name: string;
  readonly state: 'live' | 'stale';
  /** ms until the lease (or, when stale, the grace time) runs out. */
  readonly expiresInMs: number;
  /** How many interfaces it holds. */
  readonly interfaces: number;
}

export interface SessionsReply {
  readonly items: readonly SessionItem[];
  /** Absent at the end. */
  readonly cursor?: string;
}
