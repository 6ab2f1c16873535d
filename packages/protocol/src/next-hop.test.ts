import { expect, it } from 'vitest';
import { parseNextHop } from './next-hop.ts';

it.each([undefined, null, '', 0, '0.0.0.0', '::', '0:0:0:0:0:0:0:0'])(
  'reads %j as no next hop',
  (value) => expect(parseNextHop(value)).toBe(''),
);

it.each([
  ['10.0.0.1', '10.0.0.1'],
  [0x0a000001, '10.0.0.1'],
  [0xffffffff, '255.255.255.255'],
  ['FE80::0001', 'fe80::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['::FFFF:C000:201', '::ffff:192.0.2.1'],
])('writes %j as RFC 5952 does: %s', (value, text) => expect(parseNextHop(value)).toBe(text));

it.each([
  '1.2.3',
  '010.0.0.1',
  '0x0a.0.0.1',
  '1.2.3.256',
  '167772161',
  'fe80::1%eth0',
  ':::',
  'localhost',
  ' 10.0.0.1',
  '1'.repeat(46),
  -1,
  1.5,
  2 ** 32,
  Number.NaN,
  true,
  [],
  {},
])('refuses %j', (value) => expect(parseNextHop(value)).toBeUndefined());
