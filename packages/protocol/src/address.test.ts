import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNextHop } from './address.ts';

describe('a next hop', () => {
  it.each([undefined, null, '', 0, '0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0.0.0.0', '0::'])(
    'is none when %j is given',
    (value) => expect(parseNextHop(value)).toBe(''),
  );

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    [0x0a000001, '10.0.0.1'],
    [0xffffffff, '255.255.255.255'],
    ['FE80::0001', 'fe80::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::FFFF:C000:201', '::ffff:192.0.2.1'],
    ['::ffff:0:0', '::ffff:0.0.0.0'],
    ['::10.0.0.1', '::a00:1'],
    ['::a00:1', '::a00:1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('is written as in RFC 5952: %j as %s', (value, text) => {
    expect(parseNextHop(value)).toBe(text);
  });

  it.each([
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '1..3.4',
    '010.0.0.1',
    '0x0a.0.0.1',
    '1.2.3.256',
    '1.2.3.1000',
    '167772161',
    '::ffff:010.0.0.1',
    '::ffff:0x0a.0.0.1',
    '::ffff:1.2.3',
    '::ffff:1.2.3.4.5',
    '1.2.3.4::',
    '::1.2.3.4:1',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    ':',
    ':::',
    ':1',
    '1:',
    '::1:',
    '1::2::3',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::g',
    'localhost',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '１0.0.0.1',
    '1'.repeat(46),
    -1,
    1.5,
    2 ** 32,
    Number.NaN,
    true,
    [],
    {},
  ])('is refused: %j', (value) => expect(parseNextHop(value)).toBeUndefined());
});

const bits16 = fc.oneof(fc.constantFrom(0, 0, 1, 0xffff), fc.nat(0xffff));
const groups = fc.array(bits16, { minLength: 8, maxLength: 8 });

/** How to write the eight groups: with leading zeros, in capitals, with `::`, with a dotted end. */
const spelling = fc.record({
  widths: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 8 }),
  capitals: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  dotted: fc.boolean(),
  gap: fc.tuple(fc.nat(8), fc.nat(8)),
});

type Spelling = typeof spelling extends fc.Arbitrary<infer One> ? One : never;

function spell(address: readonly number[], { widths, capitals, dotted, gap }: Spelling): string {
  const parts = address.map((group, at) => {
    const hex = group.toString(16).padStart(widths[at] ?? 1, '0');
    return capitals[at] ? hex.toUpperCase() : hex;
  });
  if (dotted) {
    const [high = 0, low = 0] = address.slice(6);
    parts.splice(6, 2, [high >> 8, high & 255, low >> 8, low & 255].join('.'));
  }
  const [from, to] = [Math.min(...gap), Math.min(Math.max(...gap), dotted ? 6 : 8)];
  if (from >= to || address.slice(from, to).some((group) => group !== 0)) return parts.join(':');
  return `${parts.slice(0, from).join(':')}::${parts.slice(to).join(':')}`;
}

describe('every spelling of an address', () => {
  it('has the same canonical text, which names the same address', () => {
    fc.assert(
      fc.property(groups, spelling, spelling, (address, one, other) => {
        const canonical = parseNextHop(spell(address, one));
        expect(canonical).toBeDefined();
        expect(parseNextHop(spell(address, other))).toBe(canonical);
        expect(parseNextHop(canonical)).toBe(canonical);
      }),
      { numRuns: 3_000 },
    );
  });

  it('has the canonical text that URLs have, but for IPv4-mapped addresses', () => {
    fc.assert(
      fc.property(groups, spelling, (address, how) => {
        const text = spell(address, how);
        const canonical = parseNextHop(text);
        if (canonical?.startsWith('::ffff:') && canonical.includes('.')) return;
        expect(canonical || '::').toBe(new URL(`http://[${text}]`).hostname.slice(1, -1));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is accepted exactly where the operating system accepts it', () => {
    const near = fc
      .array(
        fc.constantFrom('0', '1', 'a', 'F', ':', '::', '.', '255', '256', '01', '0x1', 'g', ' '),
      )
      .map((parts) => parts.join(''));
    const any = fc.oneof(
      near,
      fc.tuple(groups, spelling).map(([address, how]) => spell(address, how)),
    );
    fc.assert(
      fc.property(any, (text) => {
        fc.pre(text !== '');
        expect({ text, ok: parseNextHop(text) !== undefined }).toEqual({
          text,
          ok: isIP(text) > 0,
        });
      }),
      { numRuns: 3_000 },
    );
  });
});
