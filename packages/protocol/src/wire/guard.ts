/**
 * Walks MessagePack bytes before anything is built from them, so that a hostile message costs a scan and no memory: a
 * length of four billion elements, nesting that would overflow the stack, extension types other than the standard
 * timestamp, which make a decoder construct objects, and keys that reach for a prototype. All functions return what is
 * wrong, or `undefined`; the text completes "the message …".
 */

/** A walk through one message. */
export interface Walk {
  readonly bytes: Uint8Array;
  readonly maxNesting: number;
  at: number;
  /** Where the headers of floats are. */
  readonly floats: number[];
}

const TRUNCATED = 'is truncated or not MessagePack';
const NO_EXTENSION = 'uses a MessagePack extension type other than the timestamp';
const TIMESTAMP = 0xff;

export function walkThrough(bytes: Uint8Array, maxNesting: number): Walk {
  return { bytes, maxNesting, at: 0, floats: [] };
}

/** Checks a whole message: one map, with nothing after it. */
export function faultInMessage(walk: Walk): string | undefined {
  return faultInHeader(walk) ?? skipValue(walk, 0) ?? faultAtEnd(walk);
}

/** Every message is a map. */
export function faultInHeader({ bytes, at }: Walk): string | undefined {
  const header = bytes[at];
  if (header === undefined) return 'is empty, not MessagePack';
  const isMap = (header & 0xf0) === 0x80 || header === 0xde || header === 0xdf;
  return isMap ? undefined : 'is not a MessagePack map';
}

export function faultAtEnd({ bytes, at }: Walk): string | undefined {
  return at === bytes.length ? undefined : 'has bytes after its end';
}

/** Bytes that follow each one-byte header of fixed size: integers, nil, booleans. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

/** Moves behind the value at the present position, which is `depth` levels deep. */
export function skipValue(walk: Walk, depth: number): string | undefined {
  const header = walk.bytes[walk.at++];
  if (header === undefined) return TRUNCATED;
  if (header <= 0x7f || header >= 0xe0) return undefined;
  if (header <= 0x8f) return skipMap(walk, header & 0x0f, depth + 1);
  if (header <= 0x9f) return skipList(walk, header & 0x0f, depth + 1);
  if (header <= 0xbf) return skipBytes(walk, header & 0x1f);
  return skipLong(walk, header, depth);
}

function skipLong(walk: Walk, header: number, depth: number): string | undefined {
  const fixed = FIXED.get(header);
  if (fixed !== undefined) return skipBytes(walk, fixed);
  switch (header) {
    case 0xca:
      return skipFloat(walk, 4);
    case 0xcb:
      return skipFloat(walk, 8);
    case 0xc4:
    case 0xd9:
      return skipBytes(walk, readLength(walk, 1));
    case 0xc5:
    case 0xda:
      return skipBytes(walk, readLength(walk, 2));
    case 0xc6:
    case 0xdb:
      return skipBytes(walk, readLength(walk, 4));
    case 0xdc:
      return skipList(walk, readLength(walk, 2), depth + 1);
    case 0xdd:
      return skipList(walk, readLength(walk, 4), depth + 1);
    case 0xde:
      return skipMap(walk, readLength(walk, 2), depth + 1);
    case 0xdf:
      return skipMap(walk, readLength(walk, 4), depth + 1);
    case 0xd6:
      return skipTimestamp(walk, 4);
    case 0xd7:
      return skipTimestamp(walk, 8);
    case 0xc7:
      return skipTimestamp(walk, readLength(walk, 1));
    default:
      return NO_EXTENSION;
  }
}

function skipFloat(walk: Walk, width: 4 | 8): string | undefined {
  walk.floats.push(walk.at - 1);
  return skipBytes(walk, width);
}

function skipTimestamp(walk: Walk, length: number): string | undefined {
  return walk.bytes[walk.at++] === TIMESTAMP ? skipBytes(walk, length) : NO_EXTENSION;
}

/** An unsigned integer of this many bytes; NaN where the message ends inside it, which no later check accepts. */
export function readLength(walk: Walk, width: 1 | 2 | 4): number {
  const { bytes, at } = walk;
  walk.at += width;
  let length = 0;
  for (let index = at; index < at + width; index++) length = length * 256 + (bytes[index] ?? NaN);
  return length;
}

function skipBytes(walk: Walk, length: number): string | undefined {
  walk.at += length;
  return walk.at <= walk.bytes.length ? undefined : TRUNCATED;
}

function skipList(walk: Walk, length: number, depth: number): string | undefined {
  const fault = faultInNesting(walk, length, depth);
  if (fault !== undefined) return fault;
  for (let index = 0; index < length; index++) {
    const inside = skipValue(walk, depth);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function skipMap(walk: Walk, length: number, depth: number): string | undefined {
  const fault = faultInNesting(walk, 2 * length, depth);
  if (fault !== undefined) return fault;
  for (let index = 0; index < length; index++) {
    const inside = skipKey(walk) ?? skipValue(walk, depth);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Checks a list or map of this many values before any of them is read. */
export function faultInNesting(walk: Walk, values: number, depth: number): string | undefined {
  if (depth > walk.maxNesting) return `is nested deeper than ${walk.maxNesting} levels`;
  // Every value takes at least one byte. Also false for NaN.
  return values <= walk.bytes.length - walk.at ? undefined : TRUNCATED;
}

const PROTO = Buffer.from('__proto__', 'latin1');

/** Moves behind the key of a map: text that does not end in `__proto__`. */
export function skipKey(walk: Walk): string | undefined {
  const start = walk.at;
  const header = walk.bytes[start] ?? 0;
  const isText = (header & 0xe0) === 0xa0 || (header >= 0xd9 && header <= 0xdb);
  if (!isText) return 'has a map key that is not a string';
  const fault = skipValue(walk, 0);
  if (fault !== undefined) return fault;
  return endsInProto(walk, start) ? 'has the key __proto__, which is not allowed' : undefined;
}

function endsInProto({ bytes, at }: Walk, start: number): boolean {
  const from = at - PROTO.length;
  if (from <= start || bytes[from] !== PROTO[0]) return false;
  return PROTO.equals(bytes.subarray(from, at));
}
