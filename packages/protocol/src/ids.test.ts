import { describe, expect, it } from 'vitest';
import {
  compareEpochs,
  epochOf,
  isEpoch,
  isIgmp,
  isRouterName,
  protocolName,
  routerName,
  sessionId,
} from './ids.ts';

const epoch = (text: string) => {
  if (!isEpoch(text)) throw new Error(text);
  return text;
};

describe('epochs', () => {
  it.each(['0', '1', '1795360064929550', '18446744073709551615'])('reads %s', (text) => {
    expect(isEpoch(text)).toBe(true);
  });

  it.each(['', '-1', '+1', '01', '1.0', '1e3', ' 1', '1'.repeat(21)])('refuses %j', (text) => {
    expect(isEpoch(text)).toBe(false);
  });

  it('are ordered as integers, also where a float would lose digits', () => {
    const ascending = ['9', '10', '9007199254740992', '9007199254740993'].map(epoch);
    expect(ascending.toReversed().sort(compareEpochs)).toEqual(ascending);
    expect(compareEpochs(epoch('7'), epoch('7'))).toBe(0);
  });

  it('are not made of numbers above 2^53', () => {
    expect(epochOf(1_795_360_064_929_550)).toBe('1795360064929550');
    expect(() => epochOf(2 ** 53)).toThrow('not an epoch');
    expect(() => epochOf(-1)).toThrow('not an epoch');
  });
});

it.each([
  ['r1', true],
  ['A-z_9', true],
  ['x'.repeat(64), true],
  ['', false],
  ['x'.repeat(65), false],
  ['a.b', false],
  ['a b', false],
  ['*', false],
  ['>', false],
  ['{r}', false],
  ['é', false],
])('router name %j: %s', (text, allowed) => {
  expect(isRouterName(text)).toBe(allowed);
  if (!allowed) expect(() => routerName(text)).toThrow('must be 1 to 64 of');
});

it.each([0, -1, 1.5, 2 ** 53, Number.NaN])('refuses %s as a session', (value) => {
  expect(() => sessionId(value)).toThrow('must be an integer');
});

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
