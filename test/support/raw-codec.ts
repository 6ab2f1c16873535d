import { Packr } from 'msgpackr';

/** Fields of a message as a test writes them. `undefined` means that the field is absent. */
export type Fields = Readonly<Record<string, unknown>>;

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** One MessagePack message. Absent fields of a plain map are left out; anything else is packed as it is. */
export function pack(message: unknown): Uint8Array {
  return packr.pack(isPlainMap(message) ? withoutAbsent(message) : message);
}

/** Whatever the bytes hold, unchecked. */
export function unpack(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

export function isPlainMap(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

function withoutAbsent(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
