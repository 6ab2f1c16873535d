import { describe, expect, it } from 'vitest';
import { duration, epoch, ifIndex, logged, nextHop, protocol } from './arguments.ts';

describe('arguments', () => {
  it('are parsed', () => {
    expect([ifIndex('7'), ifIndex('0x10'), ifIndex('4294967295')]).toEqual([7, 16, 4_294_967_295]);
    expect([protocol('pim'), protocol('IGMP'), protocol('0x67')]).toEqual([103, 10, 103]);
    expect([nextHop('FE80:0::1'), nextHop('::'), nextHop(undefined)]).toEqual(['fe80::1', '', '']);
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
    () => nextHop('::ffff:0x0a.0.0.1'),
    () => epoch('0x1'),
    () => epoch('007'),
    () => logged(''),
    () => logged('x'.repeat(257)),
  ])('are refused: %s', (read) => {
    expect(read).toThrow(/must be/);
  });
});
