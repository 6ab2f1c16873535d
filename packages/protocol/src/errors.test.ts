import { expect, it } from 'vitest';
import { refusal, Refusals, statusName } from './errors.ts';

it('every status of a refusal has a name', () => {
  const names = Object.values(Refusals).map(({ status }) => statusName(status));
  expect(new Set(names)).toEqual(
    new Set([
      'ERROR_ACCESS_DENIED',
      'ERROR_NOT_ENOUGH_MEMORY',
      'ERROR_INVALID_PARAMETER',
      'ERROR_ALREADY_EXISTS',
      'ERROR_CAN_NOT_COMPLETE',
      'ERROR_NOT_FOUND',
    ]),
  );
  expect(statusName(4)).toBe('ERROR_4');
});

it('a refusal has its status, its reason and the details given', () => {
  expect(refusal('badRequest', 'seq: is missing', { field: 'seq' })).toEqual({
    status: 87,
    error: 'ERROR_INVALID_PARAMETER',
    reason: 'bad-request',
    message: 'seq: is missing',
    field: 'seq',
  });
});
