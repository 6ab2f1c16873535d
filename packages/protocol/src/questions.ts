import { parseAddress, parseNextHop } from './address.ts';
import type { GroupText, SourceText } from './entries.ts';
import type { InterfaceKey, NextHop } from './ids.ts';
import { Limits } from './limits.ts';
import type { MfeRoute } from './mfe.ts';
import { readPrefix } from './prefixes.ts';
import { decodeMessage, type WireMap } from './wire/codec.ts';

interface QuestionFields {
  readonly group: GroupText;
  readonly source: SourceText;
  /** The incoming interface. */
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /** That the forwarding entry is going to have. */
  readonly incarnation: number;
  /** How long, in ms, the manager waits for the answer. */
  readonly deadlineMs: number;
}

/** Asks the owner of the interface towards a source how to forward a new flow. Forwarding contract, section 5.4. */
export interface RpfQuestion extends QuestionFields {
  readonly type: 'RPF';
  readonly upstream: NextHop;
  readonly route: MfeRoute;
  /** The first bytes of a packet, at most 128. */
  readonly header?: Uint8Array;
}

/** Asks a routing protocol which of its outgoing interfaces a new flow must not use. */
export interface CreationQuestion extends QuestionFields {
  readonly type: 'CREATION_ALERT';
  /** Its outgoing interfaces. `igmp`: IGMP is there, too. */
  readonly oifs: readonly (readonly [ifIndex: number, nextHop: NextHop, igmp: boolean])[];
}

export type Question = RpfQuestion | CreationQuestion;

/** What the answerer chose in the place of what the question names. */
export interface RpfAnswer {
  readonly iif?: InterfaceKey;
  readonly upstream?: NextHop;
  readonly route?: MfeRoute;
}

/** Reads the answer to an RPF question: fields that are absent or malformed are ignored. `undefined`: it is no map. */
export function readRpfAnswer(bytes: Uint8Array): RpfAnswer | undefined {
  const answer = readMap(bytes);
  if (answer === undefined) return undefined;
  const iif = readInterface(answer['ifIndex'], answer['nextHop']);
  const hop = answer['upstream'];
  const upstream = hop === undefined || hop === null ? undefined : parseNextHop(hop);
  const route = readRoute(answer['route']);
  return {
    ...(iif && { iif }),
    ...(upstream !== undefined && { upstream }),
    ...(route && { route }),
  };
}

/** Reads the answer to a CREATION_ALERT question: the interfaces to disable. Malformed ones are ignored. `undefined`: it is no map. */
export function readCreationAnswer(bytes: Uint8Array): readonly InterfaceKey[] | undefined {
  const answer = readMap(bytes);
  if (answer === undefined) return undefined;
  const { disable } = answer;
  if (!Array.isArray(disable)) return [];
  return disable.flatMap((pair: unknown) => {
    const [ifIndex, hop] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    return readInterface(ifIndex, hop) ?? [];
  });
}

function readMap(bytes: Uint8Array): WireMap | undefined {
  const decoded = decodeMessage(bytes, Limits.answerBytes);
  return decoded.kind === 'message' ? decoded.value : undefined;
}

function readInterface(ifIndex: unknown, hop: unknown): InterfaceKey | undefined {
  const nextHop = parseNextHop(hop);
  if (nextHop === undefined || !isU32(ifIndex) || ifIndex === 0) return undefined;
  return { ifIndex, nextHop };
}

function readRoute(value: unknown): MfeRoute | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { network, length, protocolId } = {
    network: null,
    length: null,
    protocolId: null,
    ...value,
  };
  const address = parseAddress(network);
  if (address === undefined || !isU32(length) || !isU32(protocolId)) return undefined;
  const prefix = readPrefix(address, length);
  return 'fault' in prefix ? undefined : { ...prefix, protocolId };
}

function isU32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
