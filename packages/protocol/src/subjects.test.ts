import { describe, expect, it } from 'vitest';
import { routerName, sessionId } from './ids.ts';
import { managerSubjects, subjectsUnder } from './subjects.ts';

const subjects = managerSubjects('lab.mgm.v1');
const router = routerName('r-1');

it('builds every subject of the contract', () => {
  expect(subjectsUnder().operation(router, 'take')).toBe('mgm.v1.r-1.take');
  expect(subjects.operation(router, 'admin.evict')).toBe('lab.mgm.v1.r-1.admin.evict');
  expect(subjects.anyRouter('take')).toBe('lab.mgm.v1.*.take');
  expect(subjects.callback(router, sessionId(17))).toBe('lab.mgm.v1.r-1.callback.17');
  expect(subjects.event(router, 'taken')).toBe('lab.mgm.v1.r-1.event.taken');
  expect(subjects.allEvents(router)).toBe('lab.mgm.v1.r-1.event.*');
  expect(subjects.head(router)).toBe('lab.mgm.v1.r-1.head');
  expect(subjects.presence).toBe('lab.mgm.v1.$manager.presence');
});

it('finds the router of a subject', () => {
  expect(subjects.routerOf('lab.mgm.v1.r-1.take')).toBe('r-1');
  expect(subjects.routerOf('lab.mgm.v1.r-1.admin.release')).toBe('r-1');
  expect(subjects.routerOf('lab.mgm.v1.{x}.take')).toBeUndefined();
  expect(subjects.routerOf(subjects.presence)).toBeUndefined();
});

describe('a reply subject', () => {
  it.each(['_INBOX.a.1', 'x', 'lab.mgm.v10.x', '!"#$%&\'()+,-/:;<=?@[\\]^_`{|}~.a'])(
    'may be %s',
    (subject) => {
      expect(subjects.isReplySubject(subject)).toBe(true);
    },
  );

  it.each([
    ...['', '.', '.a', 'a.', 'a..b', 'a b', 'a\tb', 'a\r\nb', 'a\0', 'a\x7f'],
    ...[
      '*',
      'a.*',
      'a*',
      '>',
      'a.>',
      'a>b',
      'ä',
      'a.\u0120',
      'a\u010d\u010aUNSUB 1',
      'a.\ud83d\ude00',
    ],
    ...['lab.mgm.v1', 'lab.mgm.v1.r1.event.taken', 'lab.mgm.v1.x'],
  ])('is not %j', (subject) => {
    expect(subjects.isReplySubject(subject)).toBe(false);
  });
});

describe('a prefix', () => {
  it.each(['', 'a..b', '.a', 'a.', 'a b', 'a.*', '>', 'x'.repeat(129)])('is not %j', (prefix) => {
    expect(() => subjectsUnder(prefix)).toThrow('must be tokens');
  });
});
