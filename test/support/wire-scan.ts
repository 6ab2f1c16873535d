/**
 * The formats in a MessagePack message, by their first byte (MessagePack specification, "Formats"). A decoded number does
 * not show its format: an integer sent as a float is an integer in JavaScript and none in Go or C.
 *
 * @throws Error when the bytes are no well-formed MessagePack
 */
export function formatsIn(bytes: Uint8Array): ReadonlySet<number> {
  const found = new Set<number>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  // The number of values left to read, so that nesting needs no stack.
  for (let left = 1; left > 0; left--) {
    const header = view.getUint8(at++);
    found.add(header);
    const { skip, values } = bodyOf(header, view, at);
    at += skip;
    left += values;
  }
  if (at !== bytes.length) throw new Error(`message ends at ${at} of ${bytes.length} bytes`);
  return found;
}

interface Body {
  /** Bytes between the header and the next value. */
  readonly skip: number;
  /** Values that follow as a part of this one. */
  readonly values: number;
}

const SCALARS: ReadonlyMap<number, number> = new Map([
  ...[0xc0, 0xc2, 0xc3].map((header) => [header, 0] as const),
  ...[0xcc, 0xd0].map((header) => [header, 1] as const),
  ...[0xcd, 0xd1, 0xd4].map((header) => [header, 2] as const),
  ...[0xca, 0xce, 0xd2].map((header) => [header, 4] as const),
  ...[0xcb, 0xcf, 0xd3].map((header) => [header, 8] as const),
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
]);

function bodyOf(header: number, view: DataView, at: number): Body {
  if (header <= 0x7f || header >= 0xe0) return { skip: 0, values: 0 };
  if (header <= 0x8f) return { skip: 0, values: 2 * (header & 0x0f) };
  if (header <= 0x9f) return { skip: 0, values: header & 0x0f };
  if (header <= 0xbf) return { skip: header & 0x1f, values: 0 };
  const scalar = SCALARS.get(header);
  return scalar === undefined ? sizedBodyOf(header, view, at) : { skip: scalar, values: 0 };
}

function sizedBodyOf(header: number, view: DataView, at: number): Body {
  const long = (first: number): boolean => header >= first && header <= first + 2;
  const width = (first: number): number => 2 ** (header - first);
  if (long(0xc4)) return { skip: width(0xc4) + lengthAt(view, at, width(0xc4)), values: 0 };
  if (long(0xc7)) return { skip: width(0xc7) + 1 + lengthAt(view, at, width(0xc7)), values: 0 };
  if (long(0xd9)) return { skip: width(0xd9) + lengthAt(view, at, width(0xd9)), values: 0 };
  if (header === 0xdc || header === 0xdd) {
    return { skip: width(0xdb), values: lengthAt(view, at, width(0xdb)) };
  }
  if (header === 0xde || header === 0xdf) {
    return { skip: width(0xdd), values: 2 * lengthAt(view, at, width(0xdd)) };
  }
  throw new Error(`0x${header.toString(16)} is no MessagePack format`);
}

function lengthAt(view: DataView, at: number, width: number): number {
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at) : view.getUint32(at);
}
