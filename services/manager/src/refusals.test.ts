import { StoreError } from '@mgm/store';
import { describe, expect, it } from 'vitest';
import { refusalFor, tooLarge, troubleKind } from './refusals.ts';

const RETRY = { status: 1003, reason: 'unavailable', retryable: true };
const UNKNOWN = { status: 1003, reason: 'indeterminate' };

describe('the refusal of an undecided request says what may have happened', () => {
  it('unavailable for any operation, if nothing happened', () => {
    const error = new StoreError('unavailable', 'not connected to Redis');
    expect(refusalFor(error, 'take')).toMatchObject({
      ...RETRY,
      message: 'not connected to Redis',
    });
    expect(refusalFor(error, 'owner')).toMatchObject(RETRY);
  });

  it.each(['register', 'take', 'release', 'deregister', 'admin.release', 'admin.evict'] as const)(
    'indeterminate for an unknown outcome of %s, which changes something',
    (operation) => {
      const error = new StoreError('indeterminate', 'no answer');
      expect(refusalFor(error, operation)).toMatchObject(UNKNOWN);
      expect(refusalFor(error, operation)).not.toHaveProperty('retryable');
    },
  );

  it.each([
    'keepalive',
    'owner',
    'validate',
    'interfaces',
    'sessions',
    'events',
    'mailbox',
  ] as const)('unavailable for an unknown outcome of %s, which may be repeated', (operation) => {
    expect(refusalFor(new StoreError('indeterminate', 'no answer'), operation)).toMatchObject(
      RETRY,
    );
  });

  it('store-full if Redis is out of memory', () => {
    expect(refusalFor(new StoreError('store-full', 'OOM'), 'take')).toMatchObject({
      status: 8,
      error: 'ERROR_NOT_ENOUGH_MEMORY',
      reason: 'store-full',
    });
  });

  it('overloaded with the time to wait', () => {
    const error = new StoreError('overloaded', 'full', { retryAfterMs: 50 });
    expect(refusalFor(error, 'take')).toMatchObject({
      status: 1003,
      reason: 'overloaded',
      retryable: true,
      retryAfterMs: 50,
    });
  });

  it('unavailable and retryable by another manager for data of a newer schema', () => {
    expect(refusalFor(new StoreError('schema', 'schema 4'), 'take')).toMatchObject({
      ...{ status: 1003, reason: 'unavailable', message: 'schema 4' },
      ...{ retryable: true, retryAfterMs: 100 },
    });
  });

  it('unavailable and not retryable for a key that is not ours', () => {
    expect(refusalFor(new StoreError('corrupt', 'key x'), 'owner')).toMatchObject({
      status: 1003,
      reason: 'unavailable',
      retryable: false,
      message: 'key x',
    });
  });

  it('without details for a fault of the manager itself', () => {
    const fault = new TypeError('x is not a function');
    expect(refusalFor(fault, 'take')).toMatchObject({ ...UNKNOWN, message: 'the manager failed' });
    expect(refusalFor(fault, 'owner')).toMatchObject({ ...RETRY, message: 'the manager failed' });
  });
});

describe('the refusal for a reply above max_payload', () => {
  it('is unavailable and not retryable for a read', () => {
    expect(tooLarge('events', 1_048_576)).toMatchObject({
      reason: 'unavailable',
      retryable: false,
      message: expect.stringContaining('1048576 bytes'),
    });
  });

  it('is indeterminate for a change, since it was made', () => {
    expect(tooLarge('take', 1_048_576)).toMatchObject(UNKNOWN);
  });
});

describe('a kind of trouble that a person should look into', () => {
  it.each([
    ['unavailable', undefined],
    ['indeterminate', undefined],
    ['store-full', 'store-full'],
    ['overloaded', 'overloaded'],
    ['corrupt', 'corrupt'],
    ['schema', 'schema'],
  ] as const)('of the store error %s is %s', (code, kind) => {
    expect(troubleKind(new StoreError(code, 'x'))).toBe(kind);
  });

  it('of a fault of the manager itself is bug', () => {
    expect(troubleKind(new TypeError('x'))).toBe('bug');
  });
});
