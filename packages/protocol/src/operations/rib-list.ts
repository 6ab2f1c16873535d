import * as v from 'valibot';
import type { NextHop, SessionId } from '../ids.ts';
import { page, positive, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Lists the routes of the multicast view, page by page. */
export const ribList = READ satisfies OperationFlags;

export const ribListRequest = request(page, { session: v.optional(positive) });

/** A route of a listing. */
export type RouteListing = readonly [
  network: string,
  length: number,
  ifIndex: number,
  nextHop: NextHop,
  neighbour: NextHop,
  protocolId: number,
  preference: number,
  /** The present session of the client that set it. */
  session: SessionId,
  /** Whether it is the best route of its prefix. */
  best: boolean,
];

export interface RibListReply {
  readonly items: readonly RouteListing[];
  /** Absent at the end. */
  readonly cursor?: string;
  /** The revision of the multicast view. */
  readonly rrev: number;
  /** Random id of the logs. */
  readonly log: string;
}
