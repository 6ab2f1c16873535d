import type { OwnershipLostCallback } from '../callbacks.ts';
import { writer } from './codec.ts';
import type { EventMessage } from '../events.ts';
import type { Epoch, InterfaceKey } from '../ids.ts';

/** What the events of one run have in common: all but revision, interface and epoch. */
export type SharedEventFields = Omit<EventMessage, 'rev' | 'ifIndex' | 'nextHop' | 'epoch'>;

/** What the callbacks of one run of losses have in common: all but number, interface and epoch. */
export type SharedLossFields = Pick<OwnershipLostCallback, 'ts' | 'cause' | 'why'>;

/** Encodes one message of a run: the one of this number, on this interface, under this epoch. */
export type EncodeOfRun = (number: number, on: InterfaceKey, epoch: Epoch) => Uint8Array;

/** To the same bytes as `encodeMessage` does; of an event the number is its revision. */
export function eventEncoder(shared: SharedEventFields): EncodeOfRun {
  const { ts, type, session, protocolId, componentId, ...more } = shared;
  return runEncoder('rev', { ts, type, session, protocolId, componentId }, more);
}

/** The same for callbacks of type `OWNERSHIP_LOST`, by `seq`. */
export function lossEncoder({ ts, cause, why }: SharedLossFields): EncodeOfRun {
  return runEncoder('seq', { type: 'OWNERSHIP_LOST', ts }, { cause, why });
}

const IF_INDEX = nameOf('ifIndex');
const NEXT_HOP = nameOf('nextHop');
const EPOCH = nameOf('epoch');
const OWN_FIELDS = 4;

/** What the messages have in common is written once, so that one costs a copy and four values. */
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
