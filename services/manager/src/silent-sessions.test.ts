import { routerName, sessionId } from '@mgm/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { SilentSessions } from './silent-sessions.ts';

const ROUTER = routerName('r1');
const OTHER = routerName('r2');
const SESSION = sessionId(7);

let nowMono: number;
let silent: SilentSessions;
beforeEach(() => {
  nowMono = 1_000;
  silent = new SilentSessions(() => nowMono);
});

function unanswered(times: number, session = SESSION, router = ROUTER): void {
  for (let at = 0; at < times; at++) silent.note(router, session, true);
}

describe('a session', () => {
  it('is silent for 5 s after three unanswered questions, on its router only', () => {
    unanswered(2);
    expect(silent.of(ROUTER)).toEqual([]);
    unanswered(1);
    expect(silent.of(ROUTER)).toEqual([SESSION]);
    expect(silent.of(OTHER)).toEqual([]);
    nowMono += 4_999;
    expect(silent.of(ROUTER)).toEqual([SESSION]);
    nowMono += 1;
    expect(silent.of(ROUTER)).toEqual([]);
  });

  it('counts unanswered questions in a row only', () => {
    unanswered(2);
    silent.note(ROUTER, SESSION, false);
    unanswered(2);
    expect(silent.of(ROUTER)).toEqual([]);
  });

  it('is asked three times again after its silence', () => {
    unanswered(3);
    nowMono += 5_000;
    expect(silent.of(ROUTER)).toEqual([]);
    unanswered(2);
    expect(silent.of(ROUTER)).toEqual([]);
    unanswered(1);
    expect(silent.of(ROUTER)).toEqual([SESSION]);
  });

  it('that answers a question sent before its silence is asked again', () => {
    unanswered(3);
    silent.note(ROUTER, SESSION, false);
    expect(silent.of(ROUTER)).toEqual([]);
  });
});

it('remembers 10 000 sessions, and forgets the oldest first', () => {
  unanswered(3);
  for (let at = 0; at < 9_999; at++) unanswered(1, sessionId(100 + at));
  expect(silent.of(ROUTER)).toEqual([SESSION]);
  unanswered(1, sessionId(99));
  expect(silent.of(ROUTER)).toEqual([]);
});
