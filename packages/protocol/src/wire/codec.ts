import { Unpackr } from 'msgpackr/unpack-no-eval';
import { MessageWriter } from './encoder.ts';
import { Limits } from '../limits.ts';
import { faultInMessage, walkThrough } from './guard.ts';

/** MessagePack as every language writes it: no records; 64-bit integers as numbers, because all are below 2^53. */
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number', mapsAsObjects: true });

/** A MessagePack map, decoded. Fields are unchecked until a schema has read them. */
export type WireMap = { readonly [field: string]: unknown };

export type DecodedMessage =
  | { readonly kind: 'message'; readonly value: WireMap }
  | { readonly kind: 'malformed'; readonly fault: string };

/** Encodes all messages of the bus. */
export const writer = new MessageWriter();

/**
 * Encodes one message. Absent fields are left out rather than sent as nil. Integers above 2^32 are written as integers, where
 * msgpackr would write floats, which other languages do not read into an integer field.
 */
export function encodeMessage(message: object): Uint8Array {
  return writer.write(message);
}

/**
 * Reads a message from the bus: never throws, and builds nothing before the bytes were checked. `fault` completes the
 * sentence "the message …". A float becomes binary data, because no field of the contract is a float and none may pass for
 * an integer. Requests are read by `readRequest`. Wire contract section 2.
 */
export function decodeMessage(
  bytes: Uint8Array,
  maxBytes: number = Limits.messageBytes,
  maxNesting: number = Limits.nesting,
): DecodedMessage {
  if (bytes.length > maxBytes) {
    return { kind: 'malformed', fault: `is ${bytes.length} bytes, more than ${maxBytes}` };
  }
  const walk = walkThrough(bytes, maxNesting);
  const fault = faultInMessage(walk);
  if (fault !== undefined) return { kind: 'malformed', fault };
  const readable = walk.floats.length === 0 ? bytes : withoutFloats(bytes, walk.floats);
  return { kind: 'message', value: unpackr.unpack(readable) as WireMap };
}

/** A copy in which every float has the header of binary data that takes as many bytes. */
function withoutFloats(bytes: Uint8Array, floats: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const at of floats) {
    const width = copy[at] === 0xcb ? 8 : 4;
    copy[at] = 0xc4;
    copy[at + 1] = width - 1;
  }
  return copy;
}
