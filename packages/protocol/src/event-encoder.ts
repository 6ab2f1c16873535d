import { writer } from './codec.ts';
import type { EventMessage } from './events.ts';
import type { Epoch, InterfaceKey, Revision } from './ids.ts';

/** What the events of one run have in common: all but revision, interface and epoch. */
export type SharedEventFields = Omit<EventMessage, 'rev' | 'ifIndex' | 'nextHop' | 'epoch'>;

export type EncodeEvent = (rev: Revision, on: InterfaceKey, epoch: Epoch) => Uint8Array;

const REV = writer.writeFields({ rev: 0 }).subarray(0, -1);
const IF_INDEX = writer.writeFields({ ifIndex: 0 }).subarray(0, -1);
const NEXT_HOP = writer.writeFields({ nextHop: '' }).subarray(0, -1);
const EPOCH = writer.writeFields({ epoch: '' }).subarray(0, -1);
const OWN_FIELDS = 4;

/**
 * Encodes the events of a run one after the other, to the same bytes as `encodeMessage` does: what they have in common is
 * written once, so that an event costs a copy and four values.
 */
export function eventEncoder(shared: SharedEventFields): EncodeEvent {
  const { ts, type, session, protocolId, componentId, ...more } = shared;
  const head = { ts, type, session, protocolId, componentId };
  const count = OWN_FIELDS + countOf(head) + countOf(more);
  const [before, behind] = [writer.writeFields(head), writer.writeFields(more)];
  return (rev, { ifIndex, nextHop }, epoch) =>
    writer.writeMap(count, [
      REV,
      rev,
      before,
      IF_INDEX,
      ifIndex,
      NEXT_HOP,
      nextHop,
      EPOCH,
      epoch,
      behind,
    ]);
}

function countOf(fields: object): number {
  return Object.values(fields).filter((value) => value !== undefined).length;
}
