import pino from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TroubleLog } from './trouble-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('logs trouble of a kind once, and a minute later how often it came', () => {
  const lines: { kind: string; times: number; msg: string }[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line));
  const trouble = new TroubleLog(pino({}, { write }));
  for (let times = 0; times < 500; times++) trouble.note('overloaded', {}, 'request not decided');
  trouble.note('corrupt', { router: 'r1' }, 'request not decided');
  expect(lines).toMatchObject([
    { kind: 'overloaded', times: 1 },
    { kind: 'corrupt', times: 1, router: 'r1', msg: 'request not decided' },
  ]);
  vi.advanceTimersByTime(60_000);
  trouble.note('overloaded', {}, 'request not decided');
  trouble.note('overloaded', {}, 'request not decided');
  expect(lines.slice(2)).toMatchObject([{ kind: 'overloaded', times: 500 }]);
});
