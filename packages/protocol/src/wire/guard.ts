/**
 * Walks MessagePack bytes before anything is built from them, so that a hostile message costs a scan and no memory:
 * a header that promises four billion elements, nesting that would overflow the stack, extension types (but for the
 * standard's timestamp) that make a decoder construct objects, keys that reach for a prototype. What an unknown field
 * holds is not looked at beyond that. Answers what is wrong, or `undefined`.
 */
export function faultInMessage(bytes: Uint8Array, maxNesting: number): string | undefined {
  const walk: Walk = { bytes, at: 0, maxNesting };
  if (bytes.length === 0) return 'is empty, not MessagePack';
  if (!isMapHeader(bytes[0] ?? 0)) return 'is not a MessagePack map';
  const fault = skipValue(walk, 0);
  if (fault) return fault;
  return walk.at === bytes.length ? undefined : 'has bytes after its end';
}

interface Walk {
  readonly bytes: Uint8Array;
  readonly maxNesting: number;
  at: number;
}

const TRUNCATED = 'is truncated or not MessagePack';

function isMapHeader(byte: number): boolean {
  return (byte & 0xf0) === 0x80 || byte === 0xde || byte === 0xdf;
}

/** Bytes that follow each one-byte header of fixed size: floats, integers, nil, booleans. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

function skipValue(walk: Walk, depth: number): string | undefined {
  const header = walk.bytes[walk.at++];
  if (header === undefined) return TRUNCATED;
  if (header <= 0x7f || header >= 0xe0) return undefined;
  if (header <= 0x8f) return skipMap(walk, header & 0x0f, depth + 1);
  if (header <= 0x9f) return skipArray(walk, header & 0x0f, depth + 1);
  if (header <= 0xbf) return skipBytes(walk, header & 0x1f);
  return skipLong(walk, header, depth);
}

function skipLong(walk: Walk, header: number, depth: number): string | undefined {
  const fixed = FIXED.get(header);
  if (fixed !== undefined) return skipBytes(walk, fixed);
  switch (header) {
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
      return skipArray(walk, readLength(walk, 2), depth + 1);
    case 0xdd:
      return skipArray(walk, readLength(walk, 4), depth + 1);
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

const NO_EXTENSION = 'uses a MessagePack extension type other than the timestamp';
const TIMESTAMP = 0xff;

function skipTimestamp(walk: Walk, length: number): string | undefined {
  return walk.bytes[walk.at++] === TIMESTAMP ? skipBytes(walk, length) : NO_EXTENSION;
}

/** The length field of a header; NaN where the message ends inside it, which no later check lets pass. */
function readLength(walk: Walk, width: 1 | 2 | 4): number {
  const at = walk.at;
  walk.at += width;
  if (walk.at > walk.bytes.length) return Number.NaN;
  let length = 0;
  for (const byte of walk.bytes.subarray(at, walk.at)) length = length * 256 + byte;
  return length;
}

function skipBytes(walk: Walk, length: number): string | undefined {
  walk.at += length;
  return walk.at <= walk.bytes.length ? undefined : TRUNCATED;
}

function skipArray(walk: Walk, length: number, depth: number): string | undefined {
  if (depth > walk.maxNesting) return `is nested deeper than ${walk.maxNesting} levels`;
  if (!(length <= walk.bytes.length - walk.at)) return TRUNCATED;
  for (let i = 0; i < length; i++) {
    const fault = skipValue(walk, depth);
    if (fault) return fault;
  }
  return undefined;
}

function skipMap(walk: Walk, length: number, depth: number): string | undefined {
  if (depth > walk.maxNesting) return `is nested deeper than ${walk.maxNesting} levels`;
  if (!(length * 2 <= walk.bytes.length - walk.at)) return TRUNCATED;
  for (let i = 0; i < length; i++) {
    const fault = skipKey(walk) ?? skipValue(walk, depth);
    if (fault) return fault;
  }
  return undefined;
}

const PROTO = Buffer.from('__proto__', 'latin1');

function skipKey(walk: Walk): string | undefined {
  const start = walk.at;
  const header = walk.bytes[start] ?? 0;
  const isText = (header & 0xe0) === 0xa0 || (header >= 0xd9 && header <= 0xdb);
  if (!isText) return 'has a map key that is not a string';
  const fault = skipValue(walk, 0);
  if (fault) return fault;
  return endsInProto(walk, start) ? 'has the key __proto__, which is not allowed' : undefined;
}

/** Also of a longer key: none that ends so has business here. */
function endsInProto({ bytes, at }: Walk, start: number): boolean {
  const from = at - PROTO.length;
  if (from <= start || bytes[from] !== PROTO[0]) return false;
  return PROTO.equals(bytes.subarray(from, at));
}
