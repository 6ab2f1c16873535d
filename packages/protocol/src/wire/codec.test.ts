import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from './codec.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('an encoded message', () => {
  it('decodes to what it was, with 64-bit times and session numbers as numbers', () => {
    const message = { text: 'é', time: 1_795_360_064_929_550, list: [[1, '10.0.0.1']], none: null };
    expect(decodeMessage(encodeMessage(message))).toEqual({ kind: 'message', value: message });
  });

  it('writes every integer as an integer, also above 2^32', () => {
    const hex = (value: number) => Buffer.from(encodeMessage({ a: value })).toString('hex');
    expect(hex(0xffffffff)).toBe('81a161ceffffffff');
    expect(hex(0x100000000)).toMatch(/^81a161(cf|d3)0000000100000000$/);
    expect(hex(2 ** 53 - 1)).toMatch(/^81a161(cf|d3)001fffffffffffff$/);
  });

  it('leaves absent fields out', () => {
    expect([...encodeMessage({ a: 1, b: undefined })]).toEqual([0x81, 0xa1, 0x61, 0x01]);
  });
});

describe('a message from another program', () => {
  it.each([
    ['nothing', '', 'is empty'],
    ['a number', '01', 'is not a MessagePack map'],
    ['an array', '91 01', 'is not a MessagePack map'],
    ['text', 'a2 6869', 'is not a MessagePack map'],
    ['a map that ends early', '82 a1 61 01', 'is truncated'],
    ['a length that ends early', 'de 00', 'is truncated'],
    ['text that ends early', '81 a1 61 d9 05 61', 'is truncated'],
    ['a map of four billion', 'df ff ff ff ff', 'is truncated'],
    ['an array of four billion', '81 a1 61 dd ff ff ff ff', 'is truncated'],
    ['a byte that means nothing', '81 a1 61 c1', 'extension type'],
    ['an extension type', '81 a1 61 d4 72 40', 'extension type'],
    ['a record definition', '81 a1 61 c7 01 72 40', 'extension type'],
    ['an extension type that ends early', '81 a1 61 d7', 'extension type'],
    ['a timestamp that ends early', '81 a1 61 d7 ff 00', 'is truncated'],
    ['bytes after the end', '80 00', 'bytes after its end'],
    ['a numeric key', '81 01 01', 'not a string'],
    ['a map as key', '81 80 01', 'not a string'],
    ['__proto__', '81 a9 5f5f70726f746f5f5f 80', '__proto__'],
    ['__proto__ inside', '81 a1 61 81 a9 5f5f70726f746f5f5f 80', '__proto__'],
    ['__proto__ in long form', '81 d9 09 5f5f70726f746f5f5f 80', '__proto__'],
  ])('is refused with its fault: %s', (_, hex, fault) => {
    const decoded = decodeMessage(bytes(hex));
    expect(decoded).toEqual({ kind: 'malformed', fault: expect.stringContaining(fault) });
  });

  it('is refused when nested deeper than a request can be', () => {
    const nested = (levels: number) =>
      Buffer.from([0x81, 0xa1, 0x61, ...Array<number>(levels - 1).fill(0x91), 1]);
    expect(decodeMessage(nested(32)).kind).toBe('message');
    expect(decodeMessage(nested(33))).toMatchObject({ fault: 'is nested deeper than 32 levels' });
    expect(decodeMessage(nested(60_000))).toMatchObject({ kind: 'malformed' });
  });

  it.each(['cb 40 1c 00 00 00 00 00 00', 'cb 80 00 00 00 00 00 00 00', 'ca 40 e0 00 00'])(
    'never has a float for an integer: %s',
    (hex) => {
      const decoded = decodeMessage(bytes(`82 a1 61 92 01 ${hex} a1 62 05`));
      expect(decoded).toEqual({
        kind: 'message',
        value: { a: [1, expect.any(Uint8Array)], b: 5 },
      });
    },
  );

  it('may hold the timestamp of the MessagePack standard', () => {
    const message = bytes('81 a1 61 d6 ff 00 00 00 01');
    expect(decodeMessage(message)).toEqual({ kind: 'message', value: { a: new Date(1_000) } });
  });

  it('is refused above 64 KiB before it is read', () => {
    expect(decodeMessage(Buffer.alloc(65_537, 0x80))).toMatchObject({
      fault: 'is 65537 bytes, more than 65536',
    });
  });

  it('never throws, whatever the bytes', () => {
    let state = 1;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let run = 0; run < 20_000; run++) {
      const length = Math.floor(random() * 40);
      const noise = Buffer.from([
        0x80 + (run % 16),
        ...Array.from({ length }, () => random() * 256),
      ]);
      expect(['message', 'malformed']).toContain(decodeMessage(noise).kind);
    }
  });
});
