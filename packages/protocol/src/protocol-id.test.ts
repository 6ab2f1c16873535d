import { expect, it } from 'vitest';
import { isIgmp, protocolName } from './protocol-id.ts';

it.each([
  [10, true],
  [0x4137000a, true],
  [0x4000000a, true],
  [0x7fff000a, true],
  [0x0137000a, false],
  [0x8137000a, false],
  [0xc137000a, false],
  [0x4137000b, false],
  [0x4137010a, false],
  [0, false],
])('0x%s is IGMP: %s', (id, expected) => expect(isIgmp(id)).toBe(expected));

it('a known protocol has a name, any other its number', () => {
  expect([0x4137000a, 103, 104, 4242].map(protocolName)).toEqual(['IGMP', 'PIM', 'DVMRP', '4242']);
});
