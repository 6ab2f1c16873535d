import { epochOf, NO_NEXT_HOP, type InterfaceKey } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { MgmError } from './errors.ts';
import { Holdings } from './ownership.ts';

const KEY: InterfaceKey = { ifIndex: 7, nextHop: NO_NEXT_HOP };
const [FIRST, SECOND] = [epochOf(9), epochOf(10)];

function because(message: string): MgmError {
  return new MgmError(message, { reason: 'ownership-lost', outcome: 'not-done' });
}

function newHoldings() {
  const holdings = new Holdings({ check: () => {}, release: async () => {}, onEnd: () => {} });
  return { holdings, grant: (epoch = FIRST) => holdings.grant(KEY, epoch, because('again')) };
}

describe('a hold', () => {
  it('ends, with its signal, when the manager takes its epoch away', () => {
    const { holdings, grant } = newHoldings();
    const ownership = grant();
    const { signal } = ownership;
    expect(holdings.lose(KEY, FIRST, because('admin'), false)).toBe(ownership);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'MGM_OWNERSHIP_LOST', message: 'admin' });
    expect(ownership.isHeld).toBe(false);
    expect(holdings.size).toBe(0);
  });

  it('resolves `lost` with the reason, also when it is read after the end', async () => {
    const { holdings, grant } = newHoldings();
    const ownership = grant();
    const { lost } = ownership;
    holdings.lose(KEY, FIRST, because('admin'), false);
    expect((await lost).message).toBe('admin');
    expect(await ownership.lost).toBe(await lost);
  });

  it('stays when an older epoch of the interface is taken away', () => {
    const { holdings, grant } = newHoldings();
    const ownership = grant(SECOND);
    expect(holdings.lose(KEY, FIRST, because('late'), false)).toBeUndefined();
    expect(ownership.isHeld).toBe(true);
  });

  it('is over from the start when the loss overtook the reply to the take', () => {
    const { holdings, grant } = newHoldings();
    holdings.lose(KEY, FIRST, because('admin'), true);
    const ownership = grant();
    expect(ownership.isHeld).toBe(false);
    expect(ownership.signal.aborted).toBe(true);
    expect(holdings.size).toBe(0);
  });

  it('is not over from the start when the lost epoch was older, or that take is settled', () => {
    const { holdings, grant } = newHoldings();
    holdings.lose(KEY, FIRST, because('admin'), true);
    expect(grant(SECOND).isHeld).toBe(true);
    holdings.lose(KEY, SECOND, because('admin'), true);
    holdings.settled(KEY);
    expect(grant(SECOND).isHeld).toBe(true);
  });

  it('is replaced by a later take, and never comes back', () => {
    const { grant } = newHoldings();
    const before = grant();
    const after = grant(SECOND);
    expect([before.isHeld, after.isHeld]).toEqual([false, true]);
    expect(before.ended?.message).toBe('again');
  });

  it('gives each signal the first reason only', () => {
    const { holdings, grant } = newHoldings();
    const ownership = grant();
    holdings.endAll(because('first'));
    ownership.end(because('second'));
    expect(ownership.signal.reason).toMatchObject({ message: 'first' });
  });
});
