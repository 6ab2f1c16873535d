import type { GroupText, SourceText } from './entries.ts';
import type { Epoch, NextHop, SessionId } from './ids.ts';

/** A route of the multicast view, as an {@link Mfe} names it. */
export interface MfeRoute {
  readonly network: string;
  readonly length: number;
  /** The originator of the route. */
  readonly protocolId: number;
}

/** A multicast forwarding entry. Forwarding contract, section 5.1. */
export interface Mfe {
  readonly group: GroupText;
  readonly source: SourceText;
  /** Larger than that of every earlier forwarding entry of the router. */
  readonly incarnation: number;
  /** The incoming interface; 0 and `''` without one. */
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /**
   * The epoch under which its owner holds the incoming interface; `'0'` without one. Of IGMP at least that of the last routing
   * protocol there: the epochs of an incoming interface never fall.
   */
  readonly iifEpoch: Epoch;
  /** Of the owner of the incoming interface; 0 without one. */
  readonly protocolId: number;
  readonly session: SessionId | 0;
  /** The upstream router, `''` for none. Absent without route. */
  readonly upstream?: NextHop;
  /** Absent without route. */
  readonly route?: MfeRoute;
  /** `upMs` and `expiresInMs` together are `timeoutMs`, in ms. */
  readonly upMs: number;
  readonly expiresInMs: number;
  readonly timeoutMs: number;
  /** The outgoing interfaces, by number; at most 16 384 are listed. */
  readonly oifs: readonly (readonly [ifIndex: number, nextHop: NextHop])[];
  /** The number of all outgoing interfaces. */
  readonly oifCount: number;
  /** Whether the last alert with FALSE to the owner, of this incarnation, was JOIN. */
  readonly foreignAlerted: boolean;
}

/** A forwarding entry in a reply, with what agents report about it. */
export interface ReportedMfe extends Mfe {
  /** The agents that could not program it, and why; at most 16. Absent without. */
  readonly failed?: readonly (readonly [session: SessionId, reason: string])[];
}

/** Why a forwarding entry was deleted: its time was over, its route moved, or the hold of its incoming interface did. */
export type MfeEndCause = 'timeout' | 'route' | 'iif-moved';

/** A forwarding entry as it is from here on, or its end. */
export type MfeChange =
  | readonly ['set', mfe: Mfe]
  | readonly [
      kind: 'del',
      group: GroupText,
      source: SourceText,
      incarnation: number,
      cause: MfeEndCause,
    ];

/** Changes of forwarding entries: published on `mfe` and kept in the log. Forwarding contract, section 8.1. */
export interface MfeMessage {
  /** The revision of the first item. */
  readonly first: number;
  /** The revision of the last item. */
  readonly last: number;
  /** ms on the store's clock. */
  readonly ts: number;
  /** 1 to 256. */
  readonly items: readonly MfeChange[];
}

/** Published to the owner of an interface where packets arrived that their forwarding entry expects on another one. */
export interface WrongIfHint {
  readonly type: 'WRONG_IF';
  readonly group: GroupText;
  readonly source: SourceText;
  /** Where the packets arrived. */
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /** How many. */
  readonly count: number;
  /** The first bytes of a packet, at most 128. */
  readonly header?: Uint8Array;
}
