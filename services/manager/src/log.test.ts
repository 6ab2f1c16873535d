import pino from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { lineOptions, printable, TroubleLog } from './log.ts';

describe('a log line', () => {
  it('shows neither handles nor passwords', () => {
    const lines: string[] = [];
    const log = pino(lineOptions('info'), { write: (line: string) => void lines.push(line) });
    const child = log.child({ replica: 'one' });
    child.info({ handle: 'geheim', request: { handle: 'geheim', instance: 'geheim' } }, 'asked');
    child.info(
      { nats: { user: 'u', pass: 'geheim', token: 'geheim' }, password: 'geheim' },
      'asked',
    );
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('geheim');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      replica: 'one',
      handle: '***',
      request: { handle: '***' },
      msg: 'asked',
    });
  });
});

describe('a printable line', () => {
  it.each([
    ...['\u007f', '\u0085', '\u009b', '\u00ad', '\u061c', '\u200e', '\u200f', '\u2028', '\u2029'],
    ...['\u202a', '\u202e', '\u2066', '\u2069', '\ufeff', '\ud800', '\u{e0001}'],
  ])('has %j escaped and is the same JSON', (character) => {
    const fields = { why: `a${character}b` };
    const line = printable(`{"why":"a${character}b"}\n`);
    expect(line).not.toContain(character);
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toEqual(fields);
  });

  it('keeps every other character', () => {
    const line = `{"name":"Zürich 東京 😀 é"}\n`;
    expect(printable(line)).toBe(line);
  });
});

describe('a trouble log', () => {
  it('logs trouble of a kind once, and a minute later how often it occurred', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
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
});
