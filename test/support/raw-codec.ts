import { Packr } from 'msgpackr';

/** Fields of a message as a test writes them. `undefined` means that the field is absent. */
export type Fields = Readonly<Record<string, unknown>>;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** One MessagePack message. Absent fields of a plain map are left out; other values are packed unchanged. */
export function pack(message: unknown): Uint8Array {
  return packr.pack(withIntegers(isPlainMap(message) ? withoutAbsent(message) : message));
}

/** The value in the bytes, unchecked. */
export function unpack(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

export function isPlainMap(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

/** msgpackr encodes a number above 2^32 as a float unless it is a bigint. */
function withIntegers(value: unknown): unknown {
  if (Number.isSafeInteger(value) && Math.abs(Number(value)) > 0xffffffff)
    return BigInt(Number(value));
  if (Array.isArray(value)) return value.map(withIntegers);
  if (!isPlainMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inside]) => [field, withIntegers(inside)]),
  );
}

function withoutAbsent(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
