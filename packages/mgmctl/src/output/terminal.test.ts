import { describe, expect, it } from 'vitest';
import { createColors, fitLine, printable, printableJson, tableLines } from './terminal.ts';

const colors = createColors(true);

describe('a finished line', () => {
  it('has no control characters, except the colours of this program', () => {
    expect(printable('a\u001b[31m\n\u202eb')).toBe('a?[31m??b');
    expect(printable(`x${colors.red('a\u001b[0m')}y`)).toBe('x\u001b[31ma?[0m\u001b[39my');
    const kinds = '\u0000\t\r\u007f\u0085\u009b\u00ad\u061c\u200e\u200f\u2028\u2029\u202a\u2066';
    expect(printable(kinds)).toBe('?'.repeat(kinds.length));
    expect(printable('größer 中 🚦')).toBe('größer 中 🚦');
  });

  it('keeps no sequence that only looks like a colour of this program', () => {
    const style = colors.red('').slice(0, -5);
    expect(printable(style)).toContain('\u001b[31m');
    const guess = style.replaceAll(/\d{4}/g, (digits) => String((Number(digits) % 9_000) + 1_000));
    expect(printable(guess)).not.toContain('\u001b');
  });

  it('is valid JSON with every control character escaped', () => {
    const value = { name: 'a\u001b\n\u007f\u009b\u2028\u202e\ud800\u{e0001}', ifIndex: 7 };
    const line = printableJson(value);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(line)).toEqual(value);
  });

  it('is cut to the width of the terminal, and is one line', () => {
    expect(fitLine('a\nb', 10)).toBe('a?b');
    expect(fitLine(`${colors.red('12345')}67`, 5)).toBe('1234…');
    expect(printable(fitLine(colors.red('12345'), 5))).toBe('\u001b[31m12345\u001b[39m');
  });
});

describe('a table', () => {
  it('aligns cells, also with colours and control characters', () => {
    const rows = [
      ['NAME', 'STATE'],
      ['a\n\u001b[2J', colors.green('held')],
    ];
    expect(tableLines(rows).map(printable)).toEqual([
      'NAME    STATE',
      'a??[2J  \u001b[32mheld\u001b[39m',
    ]);
  });
});
