import type { GroupText, SourceText } from '../entries.ts';
import type { EventType, InterfaceSettings, MembershipEventType } from '../events.ts';
import type { Epoch, NextHop, Revision, SessionId } from '../ids.ts';
import { counter, limit, request } from './fields.ts';
import { READ, type OperationFlags } from './flags.ts';

/** Reads the operator log from a number on. */
export const adminEvents = READ satisfies OperationFlags;

export const adminEventsRequest = request({ from: counter, limit });

/** An action of an operator, or a refused attempt. */
export interface OperatorEvent extends InterfaceSettings {
  /** Its number in the operator log. */
  readonly number: number;
  readonly ts: number;
  /** `refused` for an attempt that changed nothing; `reason` names the refusal. */
  readonly type:
    | Extract<EventType, 'released' | 'igmp-released' | 'evicted' | 'interface-set'>
    | MembershipEventType
    | 'holdoff-ended'
    | 'refused';
  /** The router's revision after the action. */
  readonly rev: Revision;
  readonly operation: string;
  readonly reason?: string;
  readonly actor: string;
  readonly why: string;
  readonly session?: SessionId;
  readonly protocolId?: number;
  readonly componentId?: number;
  readonly cause?: string;
  readonly ifIndex?: number;
  readonly nextHop?: NextHop;
  readonly epoch?: Epoch;
  /** The entry of a static membership. */
  readonly group?: GroupText;
  readonly source?: SourceText;
  /** The identity of the caller, where identities are on. */
  readonly caller?: string;
}

export interface AdminEventsReply {
  readonly events: readonly OperatorEvent[];
  /** The number of the newest entry, or 0. */
  readonly head: number;
  /** The number of the oldest entry that the log still has. */
  readonly first: number;
}
