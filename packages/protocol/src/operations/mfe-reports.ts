import { entryNamed, type GroupText, type SourceText } from '../entries.ts';
import type { InterfaceKey } from '../ids.ts';
import { Limits } from '../limits.ts';
import {
  counterRange,
  elements,
  handle,
  interfaceAt,
  positiveRange,
  request,
  type Wrong,
} from './fields.ts';
import { HEADER, isHeader, readPair } from './mfe-fields.ts';

/** What agents report about forwarding entries, item by item. Forwarding contract, sections 8.1 and 8.3. */

/** The forwarding entry that an item is about. */
interface Reported {
  readonly name: string;
  readonly incarnation: number;
}

/** An item of `flow.failed`. */
export interface FailedElement extends Reported {
  /** `''`: it was programmed after all. */
  readonly reason: string;
}

/** An item of `flow.stats`: absolute values of the session. */
export interface StatsElement extends Reported {
  /** `inPkts` to `inHdrErrors`, in the order of the item. */
  readonly counters: readonly number[];
  readonly oifs: readonly OifElement[];
}

/** An item of `flow.wrongif`. */
export interface HintElement {
  readonly group: GroupText;
  readonly source: SourceText;
  /** On which the packets arrived. */
  readonly interface: InterfaceKey;
  readonly count: number;
  readonly header?: Uint8Array;
}

interface OifElement {
  readonly interface: InterfaceKey;
  /** `ttlTooLow`, `fragNeeded`, `outPackets`, `outDiscards`. */
  readonly counters: readonly number[];
}

/** Positions of the counters and of the outgoing interfaces in an item of `flow.stats`. */
const COUNTERS = 3;
const OIFS = 11;
/** Position of the counters, and length, of an outgoing interface in such an item. */
const OIF_COUNTERS = 2;
const OIF_FIELDS = 6;

const STATS = 'must be a list: group, source, incarnation, eight counters, oifs';
const OIF_LIST = 'must be a list of outgoing interfaces with their counters';
const OIF = 'must be a list: ifIndex, nextHop, ttlTooLow, fragNeeded, outPackets, outDiscards';
const HINT = 'must be a list: group, source, ifIndex, nextHop, count and, optionally, header';
const FAILED = 'must be a list: group, source, incarnation, reason';
const REASON = `must be text of at most ${Limits.failureBytes} bytes`;

/** The first three fields of an item. */
function readReported(values: readonly unknown[]): Reported | Wrong {
  const read = readPair(values);
  if ('wrong' in read) return read;
  const incarnation = values[2];
  if (!positiveRange.includes(incarnation)) {
    return { wrong: positiveRange.must(incarnation), at: [2] };
  }
  return { name: read.name, incarnation };
}

function readFailed(values: unknown): FailedElement | Wrong {
  if (!Array.isArray(values) || values.length < 4) return { wrong: FAILED, at: [] };
  const reported = readReported(values);
  if ('wrong' in reported) return reported;
  const reason: unknown = values[3];
  if (typeof reason !== 'string' || Buffer.byteLength(reason) > Limits.failureBytes) {
    return { wrong: REASON, at: [3] };
  }
  return { ...reported, reason };
}

/** The counters of a list from `from` up to `to`, exclusive. */
function readCounters(
  values: readonly unknown[],
  from: number,
  to: number,
): { readonly counters: number[] } | Wrong {
  const counters: number[] = [];
  for (let at = from; at < to; at++) {
    const value = values[at];
    if (!counterRange.includes(value)) return { wrong: counterRange.must(value), at: [at] };
    counters.push(value);
  }
  return { counters };
}

function readOif(values: unknown): OifElement | Wrong {
  if (!Array.isArray(values) || values.length < OIF_FIELDS) return { wrong: OIF, at: [] };
  const key = interfaceAt(values, 0);
  if ('wrong' in key) return key;
  const read = readCounters(values, OIF_COUNTERS, OIF_FIELDS);
  return 'wrong' in read ? read : { interface: key, ...read };
}

function readStats(values: unknown): StatsElement | Wrong {
  if (!Array.isArray(values) || values.length <= OIFS) return { wrong: STATS, at: [] };
  const reported = readReported(values);
  if ('wrong' in reported) return reported;
  const read = readCounters(values, COUNTERS, OIFS);
  if ('wrong' in read) return read;
  const list: unknown = values[OIFS];
  if (!Array.isArray(list)) return { wrong: OIF_LIST, at: [OIFS] };
  const oifs: OifElement[] = [];
  for (const [at, one] of list.entries()) {
    const oif = readOif(one);
    if ('wrong' in oif) return { wrong: oif.wrong, at: [OIFS, at, ...oif.at] };
    oifs.push(oif);
  }
  return { ...reported, ...read, oifs };
}

function readHint(values: unknown): HintElement | Wrong {
  if (!Array.isArray(values) || values.length < 5) return { wrong: HINT, at: [] };
  const read = readPair(values);
  if ('wrong' in read) return read;
  const key = interfaceAt(values, 2);
  if ('wrong' in key) return key;
  const [, , , , count, header] = values as readonly unknown[];
  if (!positiveRange.includes(count)) return { wrong: positiveRange.must(count), at: [4] };
  if (!isHeader(header)) return { wrong: HEADER, at: [5] };
  const hint = { ...entryNamed(read.name), interface: key, count };
  return header ? { ...hint, header } : hint;
}

export const flowStatsRequest = request({ handle, items: elements(Limits.reports, readStats) });

export const flowFailedRequest = request({ handle, items: elements(Limits.reports, readFailed) });

export const flowWrongIfRequest = request({ handle, items: elements(Limits.hints, readHint) });
