import { Refusals } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { isMgmError, LOCAL_REASONS, MgmError, refusalError } from './errors.ts';

describe('the code of an error', () => {
  it('is derived from its reason, for every reason there is', () => {
    const reasons = [...Object.values(Refusals).map(({ reason }) => reason), ...LOCAL_REASONS];
    for (const reason of reasons) {
      const { code } = new MgmError('', { reason, outcome: 'not-done' });
      expect(code).toMatch(/^MGM_[A-Z]+(_[A-Z]+)*$/);
    }
    const owned = new MgmError('', { reason: 'already-owned', outcome: 'not-done' });
    expect(owned.code).toBe('MGM_ALREADY_OWNED');
  });

  it('tells errors of this library from others, also those of another copy of it', () => {
    const copy = { code: 'MGM_TIMEOUT', reason: 'timeout' };
    expect(isMgmError(copy)).toBe(true);
    expect(isMgmError(copy, 'timeout')).toBe(true);
    expect(isMgmError(copy, 'aborted')).toBe(false);
    for (const other of [undefined, null, 'MGM_TIMEOUT', new Error('no'), { code: 'ENOENT' }]) {
      expect(isMgmError(other)).toBe(false);
    }
  });
});

describe('a refusal', () => {
  const refusal = {
    status: 183,
    error: 'ERROR_ALREADY_EXISTS',
    reason: 'already-owned',
    message: 'owned by pim-1',
  } as const;

  it('becomes an error with the fields of the refusal, without those that are absent', () => {
    const error = refusalError(refusal, { operation: 'take', router: 'r1' });
    expect(error).toMatchObject({ ...refusal, outcome: 'not-done', operation: 'take' });
    expect(Object.hasOwn(error, 'holder')).toBe(false);
  });

  it('is not done, except where the manager itself does not know', () => {
    const unknown = { ...refusal, status: 1003, reason: 'indeterminate' } as const;
    expect(refusalError(refusal, {}).outcome).toBe('not-done');
    expect(refusalError(unknown, {}).outcome).toBe('unknown');
  });
});
