import { StoreError } from '@mgm/store';
import { describe, expect, it } from 'vitest';
import { refusalFor, tooLarge, troubleKind } from './refusals.ts';

const RETRY = { status: 1003, reason: 'unavailable', retryable: true };
const UNKNOWN = { status: 1003, reason: 'indeterminate' };

describe('an undecided request is answered by what may have happened', () => {
  it('nothing happened: unavailable, for any operation', () => {
    const error = new StoreError('unavailable', 'not connected to Redis');
    expect(refusalFor(error, 'take')).toMatchObject({
      ...RETRY,
      message: 'not connected to Redis',
    });
    expect(refusalFor(error, 'owner')).toMatchObject(RETRY);
  });

  it.each(['register', 'take', 'release', 'deregister', 'admin.release', 'admin.evict'] as const)(
    'unknown, and %s changes something: indeterminate',
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
  ] as const)('unknown, and %s may be repeated: unavailable', (operation) => {
    expect(refusalFor(new StoreError('indeterminate', 'no answer'), operation)).toMatchObject(
      RETRY,
    );
  });

  it('the store is full', () => {
    expect(refusalFor(new StoreError('store-full', 'OOM'), 'take')).toMatchObject({
      status: 8,
      error: 'ERROR_NOT_ENOUGH_MEMORY',
      reason: 'store-full',
    });
  });

  it('too many wait', () => {
    const error = new StoreError('overloaded', 'full', { retryAfterMs: 50 });
    expect(refusalFor(error, 'take')).toMatchObject({
      status: 1003,
      reason: 'overloaded',
      retryable: true,
      retryAfterMs: 50,
    });
  });

  it.each(['corrupt', 'schema'] as const)(
    '%s: unavailable, and repeating does not help',
    (code) => {
      expect(refusalFor(new StoreError(code, 'key x'), 'owner')).toMatchObject({
        status: 1003,
        reason: 'unavailable',
        retryable: false,
        message: 'key x',
      });
    },
  );

  it('a fault of the manager itself is not told to workers', () => {
    const fault = new TypeError('x is not a function');
    expect(refusalFor(fault, 'take')).toMatchObject({ ...UNKNOWN, message: 'the manager failed' });
    expect(refusalFor(fault, 'owner')).toMatchObject({ ...RETRY, message: 'the manager failed' });
  });
});

describe('an answer that NATS would not carry', () => {
  it('of a read: unavailable, and repeating does not help', () => {
    expect(tooLarge('events', 1_048_576)).toMatchObject({
      reason: 'unavailable',
      retryable: false,
      message: expect.stringContaining('1048576 bytes'),
    });
  });

  it('of a change: indeterminate, since it was made', () => {
    expect(tooLarge('take', 1_048_576)).toMatchObject(UNKNOWN);
  });
});

describe('a person is told', () => {
  it.each([
    ['unavailable', undefined],
    ['indeterminate', undefined],
    ['store-full', 'store-full'],
    ['overloaded', 'overloaded'],
    ['corrupt', 'corrupt'],
    ['schema', 'schema'],
  ] as const)('of %s: %s', (code, kind) => {
    expect(troubleKind(new StoreError(code, 'x'))).toBe(kind);
  });

  it('of a fault of the manager itself', () => {
    expect(troubleKind(new TypeError('x'))).toBe('bug');
  });
});
