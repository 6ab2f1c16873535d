import { Limits } from '../limits.ts';
import type { DecodedMessage } from './codec.ts';
import {
  faultAtEnd,
  faultInHeader,
  faultInNesting,
  readLength,
  skipKey,
  skipValue,
  walkThrough,
  type Walk,
} from './guard.ts';

/**
 * Stands for a value that no field of a request has: a float, longer binary data, a map, a timestamp, a list that is too
 * long or too deep. No schema accepts it, so that, for example, a float never passes for an integer.
 */
const FOREIGN = Symbol('a value that no field of a request has');

/** Of an element that is a list, such as a pair of `interfaces`, no reader needs more values: those of `flow.stats` have 12. */
const ELEMENT_VALUES = 12;

const TWO_TO_32 = 2 ** 32;

interface FieldName {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Decodes requests of one operation, which has these fields. */
export class RequestDecoder {
  readonly #namesByLength: ReadonlyMap<number, readonly FieldName[]>;

  constructor(fields: readonly string[]) {
    const names = fields.map((name) => ({ name, bytes: Buffer.from(name) }));
    this.#namesByLength = Map.groupBy(names, ({ bytes }) => bytes.length);
  }

  /**
   * Never throws. Checks all of a message but builds only known fields, and of them no list longer than a request may
   * have, so that the cost of a hostile message grows only with its bytes. Wire contract section 2.
   */
  decode(data: Uint8Array): DecodedMessage {
    const { messageBytes, nesting } = Limits;
    if (data.length > messageBytes) {
      return { kind: 'malformed', fault: `is ${data.length} bytes, more than ${messageBytes}` };
    }
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    const walk = walkThrough(bytes, nesting);
    const value: Record<string, unknown> = {};
    const fault = faultInHeader(walk) ?? this.#readFields(walk, bytes, value) ?? faultAtEnd(walk);
    return fault === undefined ? { kind: 'message', value } : { kind: 'malformed', fault };
  }

  /** Fills in the known fields. Returns what is wrong with the message, or `undefined`. */
  #readFields(walk: Walk, bytes: Buffer, value: Record<string, unknown>): string | undefined {
    const count = mapLength(walk, bytes[walk.at++] ?? 0);
    const fault = faultInNesting(walk, 2 * count, 1);
    if (fault !== undefined) return fault;
    for (let index = 0; index < count; index++) {
      const keyAt = walk.at;
      const inKey = skipKey(walk);
      if (inKey !== undefined) return inKey;
      const valueAt = walk.at;
      const inValue = skipValue(walk, 1);
      if (inValue !== undefined) return inValue;
      const name = this.#nameIn(bytes, keyAt, valueAt);
      if (name === undefined) continue;
      const end = walk.at;
      walk.at = valueAt;
      value[name] = build(walk, bytes, OUTER);
      walk.at = end;
    }
    return undefined;
  }

  /** The known field whose name is the text at this position. */
  #nameIn(bytes: Buffer, start: number, end: number): string | undefined {
    const from = start + headBytes(bytes[start] ?? 0);
    const names = this.#namesByLength.get(end - from);
    return names?.find((one) => bytes.compare(one.bytes, 0, end - from, from, end) === 0)?.name;
  }
}

/** Where a list stands: it is a field, an element of one, a list in such an element, an element of that, or deeper. */
const OUTER = 0;
const NESTED = 2;
const DEEPER = 4;

/** Builds the value at the present position, which was checked before, and moves behind it. */
function build(walk: Walk, bytes: Buffer, level: number): unknown {
  const header = bytes[walk.at++] ?? 0;
  if (header <= 0x7f) return header;
  if (header >= 0xe0) return header - 0x100;
  if (header >= 0xa0 && header <= 0xbf) return text(walk, bytes, header & 0x1f);
  if (header >= 0x90 && header <= 0x9f) return list(walk, bytes, header & 0x0f, level);
  switch (header) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xcc:
      return bytes.readUInt8(advance(walk, 1));
    case 0xcd:
      return bytes.readUInt16BE(advance(walk, 2));
    case 0xce:
      return bytes.readUInt32BE(advance(walk, 4));
    case 0xcf:
      return (
        bytes.readUInt32BE(advance(walk, 4)) * TWO_TO_32 + bytes.readUInt32BE(advance(walk, 4))
      );
    case 0xd0:
      return bytes.readInt8(advance(walk, 1));
    case 0xd1:
      return bytes.readInt16BE(advance(walk, 2));
    case 0xd2:
      return bytes.readInt32BE(advance(walk, 4));
    case 0xd3:
      return bytes.readInt32BE(advance(walk, 4)) * TWO_TO_32 + bytes.readUInt32BE(advance(walk, 4));
    case 0xc4:
      return binary(walk, bytes, readLength(walk, 1));
    case 0xd9:
      return text(walk, bytes, readLength(walk, 1));
    case 0xda:
      return text(walk, bytes, readLength(walk, 2));
    case 0xdb:
      return text(walk, bytes, readLength(walk, 4));
    case 0xdc:
      return list(walk, bytes, readLength(walk, 2), level);
    case 0xdd:
      return list(walk, bytes, readLength(walk, 4), level);
    default:
      walk.at--;
      skipValue(walk, 0);
      return FOREIGN;
  }
}

function list(walk: Walk, bytes: Buffer, length: number, level: number): unknown {
  const isForeign = level === DEEPER || (level === OUTER && length > Limits.bulk);
  const isElement = level !== OUTER && level !== NESTED;
  const built = isForeign ? 0 : isElement ? Math.min(length, ELEMENT_VALUES) : length;
  const items: unknown[] = [];
  for (let index = 0; index < built; index++) items.push(build(walk, bytes, level + 1));
  for (let index = built; index < length; index++) skipValue(walk, 0);
  return isForeign ? FOREIGN : items;
}

function text(walk: Walk, bytes: Buffer, length: number): string {
  const start = advance(walk, length);
  return bytes.toString('utf8', start, walk.at);
}

/** A copy: the message may be part of a larger buffer. */
function binary(walk: Walk, bytes: Buffer, length: number): Uint8Array {
  const start = advance(walk, length);
  return Uint8Array.from(bytes.subarray(start, walk.at));
}

/** Moves on, and returns where that began. */
function advance(walk: Walk, count: number): number {
  walk.at += count;
  return walk.at - count;
}

/** The length in the header of a map, or in the bytes after it. */
function mapLength(walk: Walk, header: number): number {
  if (header === 0xde) return readLength(walk, 2);
  return header === 0xdf ? readLength(walk, 4) : header & 0x0f;
}

/** How many bytes the header of a text takes. */
function headBytes(header: number): number {
  if (header === 0xd9) return 2;
  if (header === 0xda) return 3;
  return header === 0xdb ? 5 : 1;
}
