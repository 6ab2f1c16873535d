import { Packr } from 'msgpackr';
import { MessageWriter } from './encoder.ts';
import { Limits } from '../limits.ts';
import { faultInMessage } from './guard.ts';

/**
 * The one MessagePack codec of the bus. Records off, because no other language reads them; 64-bit integers as numbers,
 * because every time and epoch is below 2^53; `undefined` as nil, because the default extension type is ours alone.
 */
const packr = new Packr({
  useRecords: false,
  int64AsType: 'number',
  encodeUndefinedAsNil: true,
  mapsAsObjects: true,
  variableMapSize: true,
});

/** A MessagePack map, decoded. Fields are unchecked until a schema has read them. */
export type WireMap = { readonly [field: string]: unknown };

export type DecodedMessage =
  | { readonly kind: 'message'; readonly value: WireMap }
  | { readonly kind: 'malformed'; readonly fault: string };

/** What writes all messages of the bus. */
export const writer = new MessageWriter((value) => packr.pack(value));

/**
 * One message for the bus. Absent fields are left out, not sent as nil; every integer travels as an integer, where
 * msgpackr would make a float of one above 2^32, which other languages do not read into an integer field.
 */
export function encodeMessage(message: object): Uint8Array {
  return writer.write(message);
}

/**
 * Reads one message from the bus, whoever sent it: never throws, builds nothing before the bytes were checked.
 * `fault` completes the sentence "the message …". Wire contract section 2.
 */
export function decodeMessage(
  bytes: Uint8Array,
  maxBytes: number = Limits.messageBytes,
  maxNesting: number = Limits.nesting,
): DecodedMessage {
  if (bytes.length > maxBytes) {
    return { kind: 'malformed', fault: `is ${bytes.length} bytes, more than ${maxBytes}` };
  }
  const fault = faultInMessage(bytes, maxNesting);
  if (fault) return { kind: 'malformed', fault };
  return { kind: 'message', value: packr.unpack(bytes) as WireMap };
}
