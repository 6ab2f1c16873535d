import { describe, expect, it } from 'vitest';
import { clientText, counted, durationText, instantText, interfaceText } from './text.ts';

describe('text for people', () => {
  it.each([
    [-20, '0 ms'],
    [0, '0 ms'],
    [999, '999 ms'],
    [9_840, '9.8 s'],
    [250_000, '4 min 10 s'],
    [7_500_000, '2 h 5 min'],
  ])('says %s ms as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it('names an interface, a client and an instant', () => {
    expect(interfaceText({ ifIndex: 7, nextHop: '' })).toBe('7');
    expect(interfaceText({ ifIndex: 7, nextHop: '10.0.0.1' })).toBe('7 via 10.0.0.1');
    expect(clientText({ protocolId: 103, componentId: 1, name: 'pim-1' })).toBe('PIM/1 pim-1');
    expect(clientText({ protocolId: 4711, componentId: 2, name: '' })).toBe('4711/2');
    expect(instantText(1_795_360_064_931)).toBe('2026-11-22 15:07:44.931');
    expect(instantText(Infinity)).toBe('Infinity');
  });

  it.each([
    [0, '0 interfaces'],
    [1, '1 interface'],
    [65_536, '65,536 interfaces'],
  ])('counts %s', (count, text) => {
    expect(counted(count, 'interface')).toBe(text);
  });
});
