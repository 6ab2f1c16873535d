import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { Limits } from '../limits.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import { RequestDecoder } from './request-decoder.ts';

const decoder = new RequestDecoder(['a', 'bb', 'cc', 'interfaces']);
const other = new Packr({ useRecords: false, int64AsType: 'number', mapsAsObjects: true });
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, -32, -33, -129, -32_769, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32),
);
const scalar = fc.oneof(integer, fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null));
const field = fc.constantFrom('a', 'bb', 'cc', 'interfaces');
const pairs = fc.array(fc.array(scalar, { maxLength: 8 }), { maxLength: 40 });

describe('a request', () => {
  it('decodes to the values that were encoded, by this encoder or another', () => {
    fc.assert(
      fc.property(fc.dictionary(field, fc.oneof(scalar, pairs)), (message) => {
        const expected = { kind: 'message', value: message };
        expect(decoder.decode(encodeMessage(message))).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
    const long = { a: 'x'.repeat(300), bb: 'x'.repeat(60_000), cc: Array<number>(20).fill(7) };
    expect(decoder.decode(other.pack(long))).toEqual({ kind: 'message', value: long });
  });

  it('has binary data of up to 255 bytes, as a copy', () => {
    const message = encodeMessage({ a: [[new Uint8Array([7, 8])]], bb: new Uint8Array(255) });
    const decoded = decoder.decode(message);
    message.fill(0);
    expect(decoded).toEqual({
      kind: 'message',
      value: { a: [[new Uint8Array([7, 8])]], bb: new Uint8Array(255) },
    });
  });

  it('leaves out fields that the operation does not have', () => {
    const message = { a: 1, b: 2, colour: { deep: [{ x: [1.5] }] }, cc: 3 };
    expect(decoder.decode(encodeMessage(message))).toEqual({
      kind: 'message',
      value: { a: 1, cc: 3 },
    });
  });

  it('has no list that is longer or deeper than a request may have', () => {
    const decoded = (value: unknown) => {
      const { value: fields } = decoder.decode(encodeMessage({ a: value })) as never;
      return (fields as { a: unknown }).a;
    };
    const most = Array<number>(Limits.bulk).fill(1);
    expect(decoded(most)).toEqual(most);
    expect(typeof decoded([...most, 1])).toBe('symbol');
    const long = Array<number>(13).fill(1);
    const short = long.slice(1);
    expect(decoded([long, 2])).toEqual([short, 2]);
    expect(decoded([[1, [2, long, most], 3]])).toEqual([[1, [2, short, most.slice(0, 12)], 3]]);
    expect(decoded([[most, most]])).toEqual([[most, most]]);
    expect(decoded([[1, [[2, [3]]], 4]])).toEqual([[1, [[2, expect.any(Symbol)]], 4]]);
  });

  it.each([
    ['a double', 'cb 40 1c 00 00 00 00 00 00'],
    ['negative zero', 'cb 80 00 00 00 00 00 00 00'],
    ['a float', 'ca 40 e0 00 00'],
    ['binary data of more than 255 bytes', `c5 01 00${'07'.repeat(256)}`],
    ['a map', '80'],
    ['a timestamp', 'd6 ff 00 00 00 01'],
  ])('has no number where %s was sent, and the next field is read', (_, hex) => {
    const decoded = decoder.decode(bytes(`82 a1 61 ${hex} a2 6262 05`));
    expect(decoded).toEqual({ kind: 'message', value: { a: expect.any(Symbol), bb: 5 } });
  });

  it('is refused for the same faults as any other message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(15), (noise, count) => {
        const message = Buffer.from([0x80 + count, ...noise]);
        const expected = decodeMessage(message);
        const decoded = decoder.decode(message);
        expect(decoded.kind).toBe(expected.kind);
        if (expected.kind === 'malformed') expect(decoded).toEqual(expected);
      }),
      { numRuns: 5_000 },
    );
    for (const hex of ['', '01', '80 00', 'df ff ff ff ff', '81 01 01', '82 a1 61 01']) {
      expect(decoder.decode(bytes(hex))).toEqual(decodeMessage(bytes(hex)));
    }
    const long = Buffer.alloc(Limits.messageBytes + 1, 0x80);
    expect(decoder.decode(long)).toEqual(decodeMessage(long));
  });
});
