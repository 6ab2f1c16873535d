import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MessageWriter } from './encoder.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number', mapsAsObjects: true });
const writer = new MessageWriter();

const written = (value: unknown): unknown =>
  (packr.unpack(writer.write({ a: value })) as { a: unknown }).a;
const hexOf = (value: unknown): string =>
  Buffer.from(writer.write({ a: value }))
    .toString('hex')
    .slice(6);

describe('decoding returns what was encoded', () => {
  it.each([
    ...[0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1],
    ...[-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, 1 - 2 ** 53],
    ...[0.5, -1.25, 1e300, 2 ** 60, Number.POSITIVE_INFINITY],
  ])('number %d', (value) => {
    expect(written(value)).toBe(value);
  });

  it.each([0, 1, 31, 32, 40, 41, 255, 256, 65_535, 65_536, 200_000])(
    'text of %d characters, in any script',
    (length) => {
      for (const sign of ['a', 'é', '界', '😀']) {
        const text = sign.repeat(length);
        expect(written(text) === text).toBe(true);
      }
      const last = `${'a'.repeat(length)}é`;
      expect(written(last) === last).toBe(true);
    },
  );

  it.each([0, 1, 15, 16, 65_535, 65_536])('list of %d', (length) => {
    const list = Array.from({ length }, (_, at) => at);
    expect(written(list)).toEqual(list);
  });

  it.each([0, 15, 16, 65_536])('map of %d fields', (length) => {
    const map = Object.fromEntries(Array.from({ length }, (_, at) => [`f${at}`, at]));
    expect(written(map)).toEqual(map);
  });

  it.each([0, 1, 255, 256, 65_535, 65_536])('binary data of %d bytes', (length) => {
    const bytes = Buffer.alloc(length, 7);
    expect(written({ header: bytes })).toEqual({ header: bytes });
    expect(written([Uint8Array.from(bytes), 1])).toEqual([bytes, 1]);
  });

  it('booleans and nil, also for an absent element of a list', () => {
    expect(written([true, false, null, undefined])).toEqual([true, false, null, null]);
  });

  it('an object of any class, as a map of its fields', () => {
    class Route {
      readonly network = '10.0.0.0';
      readonly length = 8;
    }
    expect(
      written({ route: new Route(), bare: Object.assign(Object.create(null), { a: 1 }) }),
    ).toEqual({ route: { network: '10.0.0.0', length: 8 }, bare: { a: 1 } });
  });

  it('without absent fields, at every depth', () => {
    expect(written({ b: undefined, c: [{ d: undefined, e: 1 }] })).toEqual({ c: [{ e: 1 }] });
  });

  it('integers in their shortest form, and above 2^32 as signed ones', () => {
    expect([127, 128, 256, 65_536].map(hexOf)).toEqual(['7f', 'cc80', 'cd0100', 'ce00010000']);
    expect(hexOf(2 ** 32)).toBe('d30000000100000000');
    expect([-32, -33, -129].map(hexOf)).toEqual(['e0', 'd0df', 'd1ff7f']);
  });
});

it.each([1n, Symbol('s'), () => 1])('refuses %s, and encodes the next message', (value) => {
  expect(() => writer.write({ a: 'before', b: value })).toThrow(TypeError);
  expect(written('after')).toBe('after');
});

it('does not change a message after it was encoded', () => {
  const messages = Array.from({ length: 2_000 }, (_, at) => ({ at, text: 'x'.repeat(at % 300) }));
  const all = messages.map((message) => writer.write(message));
  expect(all.map((bytes) => packr.unpack(bytes) as unknown)).toEqual(messages);
});
