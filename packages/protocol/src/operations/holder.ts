import type { Epoch, NextHop, SessionId } from '../ids.ts';
import type { FieldChecks } from './flags.ts';

/** Who holds an interface: the reply of `owner`, and `holder` in a refusal. */
export interface Holder {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: SessionId;
  readonly name: string;
  readonly epoch: Epoch;
  /** When it was taken, in ms on the store's clock. */
  readonly since: number;
  /** Whether the holder's lease ran out and its grace time runs. */
  readonly stale: boolean;
  /** While `stale`: ms until the holder loses it. */
  readonly graceLeftMs?: number;
  /** The IGMP session on the interface besides the owner, if there is one. */
  readonly igmp?: IgmpHold;
}

/** The fields of a holder. */
export const holderChecks: FieldChecks<Holder> = {
  protocolId: 'count',
  componentId: 'unchecked',
  session: 'unchecked',
  name: 'unchecked',
  epoch: 'text',
  since: 'unchecked',
  stale: 'unchecked',
  graceLeftMs: 'unchecked',
  igmp: 'unchecked',
};

/** The hold of an IGMP session on an interface that a routing protocol owns. */
export interface IgmpHold {
  readonly protocolId: number;
  readonly componentId: number;
  readonly session: SessionId;
  readonly epoch: Epoch;
}

/** One interface of a listing. */
export interface InterfaceItem extends Holder {
  readonly ifIndex: number;
  readonly nextHop: NextHop;
}
