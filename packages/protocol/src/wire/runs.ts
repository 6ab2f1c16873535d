import type { OwnershipLostCallback } from '../callbacks.ts';
import { writer } from './codec.ts';
import type { EventMessage } from '../events.ts';
import type { Epoch, InterfaceKey } from '../ids.ts';

/** Fields that all events of a run share: all but revision, interface and epoch. */
export type SharedEventFields = Omit<EventMessage, 'rev' | 'ifIndex' | 'nextHop' | 'epoch'>;

/** Fields that all callbacks of a run of losses share: all but number, interface and epoch. */
export type SharedLossFields = Pick<OwnershipLostCallback, 'ts' | 'cause' | 'why'>;

/** Encodes the message of a run with this number, interface and epoch. */
export type EncodeOfRun = (number: number, on: InterfaceKey, epoch: Epoch) => Uint8Array;

/** Encodes events to the bytes that `encodeMessage` returns. The number of an event is its revision. */
export function eventEncoder(shared: SharedEventFields): EncodeOfRun {
  const { ts, type, session, protocolId, componentId, ...more } = shared;
  return runEncoder('rev', { ts, type, session, protocolId, componentId }, more);
}

/** The same for callbacks of type `OWNERSHIP_LOST`, numbered by `seq`. */
export function lossEncoder({ ts, cause, why }: SharedLossFields): EncodeOfRun {
  return runEncoder('seq', { type: 'OWNERSHIP_LOST', ts }, { cause, why });
}

const IF_INDEX = nameOf('ifIndex');
const NEXT_HOP = nameOf('nextHop');
const EPOCH = nameOf('epoch');
const OWN_FIELDS = 4;

/** Encodes shared fields once, so that a message costs a copy and four values. */
function runEncoder(numberName: string, head: object, rest: object): EncodeOfRun {
  const count = OWN_FIELDS + countOf(head) + countOf(rest);
  const name = nameOf(numberName);
  const [before, behind] = [writer.writeFields(head), writer.writeFields(rest)];
  return (number, { ifIndex, nextHop }, epoch) =>
    writer.writeMap(count, [
      name,
      number,
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

function nameOf(field: string): Uint8Array {
  return writer.writeFields({ [field]: 0 }).subarray(0, -1);
}

function countOf(fields: object): number {
  return Object.values(fields).filter((value) => value !== undefined).length;
}
