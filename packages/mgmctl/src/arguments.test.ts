import { describe, expect, it } from 'vitest';
import {
  checkSource,
  duration,
  epoch,
  group,
  ifIndex,
  logged,
  nextHop,
  protocol,
  source,
} from './arguments.ts';

describe('arguments', () => {
  it('are parsed', () => {
    expect([ifIndex('7'), ifIndex('0x10'), ifIndex('4294967295')]).toEqual([7, 16, 4_294_967_295]);
    expect([protocol('pim'), protocol('IGMP'), protocol('0x67')]).toEqual([103, 10, 103]);
    expect([nextHop('FE80:0::1'), nextHop('::'), nextHop(undefined)]).toEqual(['fe80::1', '', '']);
    expect(['239.1.1.1', 'FF0E:0::1', '*', '0.0.0.0', '::'].map(group)).toEqual([
      ...['239.1.1.1', 'ff0e::1', '', '', '::'],
    ]);
    expect(['192.0.2.1', '2001:DB8::1', '*'].map(source)).toEqual(['192.0.2.1', '2001:db8::1', '']);
    const upToAMinute = duration(1, 60_000);
    expect(['500ms', '1.5s', '1m'].map(upToAMinute)).toEqual([500, 1_500, 60_000]);
  });

  it.each([
    () => ifIndex('0'),
    () => ifIndex('7.5'),
    () => ifIndex('-1'),
    () => ifIndex('4294967296'),
    () => protocol('XIM'),
    () => protocol('-3'),
    () => nextHop('10.1'),
    () => duration(1, 60_000)('2m'),
    () => duration(1, 60_000)('5 s'),
    () => duration(1, 60_000)('20'),
    () => ifIndex('010'),
    () => nextHop('010.0.0.1'),
    () => group('10.0.0.1'),
    () => group('ff00::1'),
    () => group('all'),
    () => source('192.0.2'),
    () => checkSource('239.1.1.1', '239.1.1.1'),
    () => checkSource('239.1.1.1', '2001:db8::1'),
    () => checkSource('', '192.0.2.1'),
    () => nextHop('::ffff:0x0a.0.0.1'),
    () => epoch('0x1'),
    () => epoch('007'),
    () => logged(''),
    () => logged('x'.repeat(257)),
  ])('are refused: %s', (read) => {
    expect(read).toThrow(/must be/);
  });
});
