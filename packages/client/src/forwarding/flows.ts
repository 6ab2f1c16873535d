import { parseGiven, parseUnshared, readEntry } from '@mgm/protocol';
import type { Entry, FlowResult, Handle, InterfaceKey, RequestFields } from '@mgm/protocol';
import { badRequest } from '../errors.ts';
import { interfaceKey, type InterfaceRef } from '../interfaces/refs.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import type { Success } from '../rpc/messages.ts';
import type { SessionLife } from '../session/life.ts';
import type { MfeRef } from './mfes.ts';

/** A flow without forwarding entry: its (s,g), and the interface on which its packets arrive. */
export interface FlowRef extends MfeRef, InterfaceRef {
  /** The header of a packet, at most 128 bytes; managers pass it on with their questions. */
  readonly header?: Uint8Array | undefined;
}

/** A forwarding entry that the forwarding plane does not have, or has after all. */
export interface FailedMfe extends MfeRef {
  readonly incarnation: number;
  /** For people, at most 64 bytes; `''`: it succeeded after all. */
  readonly reason: string;
}

/** The counters of an outgoing interface, absolute values in packets; absent ones are 0. */
export interface OifCounters extends InterfaceRef {
  readonly ttlTooLow?: number | undefined;
  readonly fragNeeded?: number | undefined;
  readonly outPackets?: number | undefined;
  readonly outDiscards?: number | undefined;
}

/** The counters of a forwarding entry, absolute values of the session; absent ones are 0. In packets but for `inOctets`. */
export interface MfeCounters extends MfeRef {
  readonly incarnation: number;
  readonly inPkts?: number | undefined;
  readonly inOctets?: number | undefined;
  /** Packets that arrived on another interface than the incoming one. */
  readonly pktsDifferentIf?: number | undefined;
  readonly queueOverflow?: number | undefined;
  readonly uninitMfe?: number | undefined;
  /** Packets discarded because there was no outgoing interface. */
  readonly negativeMfe?: number | undefined;
  readonly inDiscards?: number | undefined;
  readonly inHdrErrors?: number | undefined;
  /** Interfaces that are not named keep what was reported of them before. */
  readonly oifs?: readonly OifCounters[] | undefined;
}

/** Packets that arrived on an interface that is not the incoming one of their forwarding entry. */
export interface WrongIfRef extends FlowRef {
  /** How many packets, from 1. */
  readonly count: number;
}

/** Elements of one request. */
const PER_REQUEST = 256;
const HINTS_PER_REQUEST = 64;
/** Outgoing interfaces of one element, which fit into a request whatever their next hops are. */
const OIFS_PER_ELEMENT = 256;
/** Of the elements of one request; a request may have 64 KiB. */
const BYTES_PER_REQUEST = 60_000;

type Operation = 'flow.new' | 'flow.stats' | 'flow.wrongif' | 'flow.failed';

/** The elements of one request. */
interface Part {
  /** Of its first element in the call. */
  readonly first: number;
  readonly elements: unknown[];
}

/** What an agent reports about the flows that it forwards, of one session. */
export class FlowCalls {
  readonly #context: Context;
  readonly #life: SessionLife;

  constructor(context: Context, life: SessionLife) {
    this.#context = context;
    this.#life = life;
  }

  async new(flows: readonly FlowRef[], options: CallOptions): Promise<FlowResult[]> {
    const parts = partsOf(flows.map(flowElement), PER_REQUEST);
    const replies = await this.#send('flow.new', parts, options, (handle, list) => ({
      handle,
      flows: list,
    }));
    return replies.flatMap(({ results }) => results);
  }

  async failed(items: readonly FailedMfe[], options: CallOptions): Promise<number> {
    const elements = items.map(({ group, source, incarnation, reason }) => [
      ...[group, source, incarnation, reason],
    ]);
    const parts = partsOf(elements, PER_REQUEST);
    return await this.#report('flow.failed', parts, options);
  }

  async stats(items: readonly MfeCounters[], options: CallOptions): Promise<number> {
    return await this.#report(
      'flow.stats',
      partsOf(items.flatMap(statsElements), PER_REQUEST),
      options,
    );
  }

  async wrongIf(items: readonly WrongIfRef[], options: CallOptions): Promise<number> {
    return await this.#report(
      'flow.wrongif',
      partsOf(items.map(hintElement), HINTS_PER_REQUEST),
      options,
    );
  }

  /** Resolves with the sum of `count`. */
  async #report(
    operation: 'flow.stats' | 'flow.wrongif' | 'flow.failed',
    parts: readonly Part[],
    options: CallOptions,
  ): Promise<number> {
    const fieldsOf = (handle: Handle, items: unknown[]) => ({ handle, items });
    const replies = await this.#send(operation, parts, options, fieldsOf);
    return replies.reduce((sum, { count }) => sum + count, 0);
  }

  /** Sends the parts in order. A wrong element rejects before anything is sent. */
  async #send<Name extends Operation>(
    operation: Name,
    parts: readonly Part[],
    options: CallOptions,
    fieldsOf: (handle: Handle, elements: unknown[]) => RequestFields<Name>,
  ): Promise<Success<Name>[]> {
    const registration = this.#life.current();
    const { handle } = registration;
    const requests = parts.map(({ elements }) => fieldsOf(handle, elements));
    if (parts.length > 1) {
      for (const [at, { first }] of parts.entries()) this.#check(operation, requests[at], first);
    }
    const replies: Success<Name>[] = [];
    for (const fields of requests) {
      replies.push(await registration.request(operation, fields, options));
    }
    return replies;
  }

  #check(operation: Operation, fields: unknown, first: number): void {
    const parsed = parseUnshared(operation, fields);
    if (parsed.kind === 'request') return;
    const inCall = (text: string): string =>
      text.replace(/(?<=^\w+\[)\d+/, (at) => String(Number(at) + first));
    const origin = { operation, router: this.#context.router };
    throw badRequest(inCall(parsed.message), inCall(parsed.field), origin);
  }
}

function flowElement({ group, source, ifIndex, nextHop = '', header }: FlowRef): unknown[] {
  return [group, source, ifIndex, nextHop, ...(header ? [header] : [])];
}

function hintElement({ count, ...flow }: WrongIfRef): unknown[] {
  const [group, source, ifIndex, nextHop, ...header] = flowElement(flow);
  return [group, source, ifIndex, nextHop, count, ...header];
}

/** Several elements where there are many outgoing interfaces: a request has limited room, and they are merged. */
function statsElements({
  group,
  source,
  incarnation,
  oifs = [],
  ...counters
}: MfeCounters): unknown[][] {
  const { inPkts = 0, inOctets = 0, pktsDifferentIf = 0, queueOverflow = 0 } = counters;
  const { uninitMfe = 0, negativeMfe = 0, inDiscards = 0, inHdrErrors = 0 } = counters;
  const first = [inPkts, inOctets, pktsDifferentIf, queueOverflow];
  const entry = [
    group,
    source,
    incarnation,
    ...first,
    uninitMfe,
    negativeMfe,
    inDiscards,
    inHdrErrors,
  ];
  const elements: unknown[][] = [];
  for (let at = 0; at === 0 || at < oifs.length; at += OIFS_PER_ELEMENT) {
    elements.push([...entry, oifs.slice(at, at + OIFS_PER_ELEMENT).map(oifElement)]);
  }
  return elements;
}

function oifElement({ ifIndex, nextHop = '', ...counters }: OifCounters): unknown[] {
  const { ttlTooLow = 0, fragNeeded = 0, outPackets = 0, outDiscards = 0 } = counters;
  return [ifIndex, nextHop, ttlTooLow, fragNeeded, outPackets, outDiscards];
}

function partsOf(elements: readonly unknown[], most: number): Part[] {
  const parts: Part[] = [];
  let bytes = Infinity;
  for (const [at, element] of elements.entries()) {
    const size = bytesOf(element);
    bytes += size;
    const last = parts.at(-1);
    if (last && last.elements.length < most && bytes <= BYTES_PER_REQUEST) {
      last.elements.push(element);
    } else {
      parts.push({ first: at, elements: [element] });
      bytes = size;
    }
  }
  return parts;
}

/** At most this many bytes as MessagePack. */
function bytesOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + bytesOf(one), 5);
  if (typeof value === 'string') return 5 + 3 * value.length;
  return value instanceof Uint8Array ? 5 + value.length : 9;
}

const HEADER_MAX = 128;

/** The (s,g) in canonical text. Throws `MgmError` `bad-request`. */
export function readFlow(ref: MfeRef): Entry {
  const group = parseGiven(ref.group);
  if (!group || group.kind === 'wildcard') throw badRequest('group: must be an address', 'group');
  const source = parseGiven(ref.source);
  if (!source || source.kind === 'wildcard')
    throw badRequest('source: must be an address', 'source');
  const read = readEntry(group, source);
  if ('entry' in read) return read.entry;
  const { must } = read.fault;
  const field = 'field' in read.fault ? read.fault.field : 'source';
  throw badRequest(`${field}: ${must}`, field);
}

/** The interface on which a packet arrived, and its header. Throws `MgmError` `bad-request`. */
export function arrivalOf(flow: FlowRef): Pick<FlowRef, 'header'> & InterfaceKey {
  const { header } = flow;
  if (header && header.length > HEADER_MAX) {
    throw badRequest(`header: must be at most ${HEADER_MAX} bytes`, 'header');
  }
  return { ...interfaceKey(flow, {}), header };
}
