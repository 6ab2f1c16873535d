import { describe, expect, it } from 'vitest';
import { routerName, sessionId } from './ids.ts';
import { subjectsUnder } from './subjects.ts';

const subjects = subjectsUnder('lab.mgm.v1');
const router = routerName('r-1');

it('builds every subject of the contract', () => {
  expect(subjectsUnder().operation(router, 'take')).toBe('mgm.v1.r-1.take');
  expect(subjects.operation(router, 'admin.evict')).toBe('lab.mgm.v1.r-1.admin.evict');
  expect(subjects.anyRouter('take')).toBe('lab.mgm.v1.*.take');
  expect(subjects.callback(router, sessionId(17))).toBe('lab.mgm.v1.r-1.callback.17');
  expect(subjects.event(router, 'taken')).toBe('lab.mgm.v1.r-1.event.taken');
  expect(subjects.allEvents(router)).toBe('lab.mgm.v1.r-1.event.*');
  expect(subjects.head(router)).toBe('lab.mgm.v1.r-1.head');
});

it('finds the router of a subject', () => {
  expect(subjects.routerOf('lab.mgm.v1.r-1.take')).toBe('r-1');
  expect(subjects.routerOf('lab.mgm.v1.r-1.admin.release')).toBe('r-1');
  expect(subjects.routerOf('lab.mgm.v1.{x}.take')).toBeUndefined();
});

describe('a prefix', () => {
  it.each(['', 'a..b', '.a', 'a.', 'a b', 'a.*', '>', 'x'.repeat(129)])('is not %j', (prefix) => {
    expect(() => subjectsUnder(prefix)).toThrow('must be tokens');
  });
});
