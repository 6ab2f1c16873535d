import type { NextHop } from '../ids.ts';
import type { Mfe } from '../mfe.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads the counters of one forwarding entry, or of all, page by page. */
export const mfeStats = READ satisfies OperationFlags;

export { mfeStatsRequest } from './mfe-fields.ts';

/** An outgoing interface and its counters, in packets. */
export type OifStats = readonly [
  ifIndex: number,
  nextHop: NextHop,
  ttlTooLow: number,
  fragNeeded: number,
  outPackets: number,
  outDiscards: number,
];

/**
 * A forwarding entry with its counters: sums over the agents with a live session that report the present incarnation. A sum
 * above 2^53 - 1 stays there. Forwarding contract, sections 5.7 and 8.1.
 */
export interface MfeStats extends Omit<Mfe, 'oifs'> {
  readonly inPkts: number;
  readonly inOctets: number;
  /** Packets that arrived on another interface than the incoming one. */
  readonly pktsDifferentIf: number;
  readonly queueOverflow: number;
  /** Packets that met an entry not yet initialised. This and what follows are absent with `flags` 1. */
  readonly uninitMfe?: number;
  /** Packets discarded because there was no outgoing interface. */
  readonly negativeMfe?: number;
  readonly inDiscards?: number;
  readonly inHdrErrors?: number;
  /** Packets sent over all outgoing interfaces, also those that are none any more; one packet over n counts n. */
  readonly totalOutPackets?: number;
  /** The outgoing interfaces of the entry, as `Mfe` lists them, with their counters. */
  readonly oifs: readonly OifStats[];
}

/** Of a request with `group` and `source`: `stats`. Of any other: `items`, `cursor`, `log`. */
export interface MfeStatsReply {
  readonly stats?: MfeStats;
  readonly items?: readonly MfeStats[];
  /** Absent at the end. */
  readonly cursor?: string;
  /** The revision of the forwarding entries. */
  readonly frev: number;
  /** Random id of the logs. */
  readonly log?: string;
}
