import { Packr } from 'msgpackr';

/**
 * What travels between here and the script. Lua's cmsgpack reads no records and no extension types, and packs every
 * integer above 2^32 in 64 bits.
 */
const packr = new Packr({ useRecords: false, int64AsType: 'number', encodeUndefinedAsNil: true });

/** Packs values for the script. The result is a copy: the packer reuses its buffer. */
export function packForScript(value: unknown): Buffer {
  return Buffer.from(packr.pack(value));
}

export function unpackFromScript(packed: Buffer): unknown {
  return packr.unpack(packed);
}
