import { describe, expect, it, vi } from 'vitest';
import { runSession, type Session } from './session.mjs';
import type { Check } from './steps.mjs';

const passing = () => Promise.resolve({ code: 0, output: '' });
const unit = { name: 'unit', project: 'unit', args: [] } as const;

interface Outcome {
  readonly exitCode: number;
  readonly output: string[];
}

async function outcomeOf(session: Partial<Session>): Promise<Outcome> {
  const output: string[] = [];
  const exitCode = await runSession({
    setUp: () => Promise.resolve(),
    checks: [{ name: 'types', about: '', run: passing }],
    runs: [unit],
    runTests: () => Promise.resolve({ code: 0, summary: { passed: 2, failures: [], skipped: [] } }),
    say: (line) => output.push(...line.split('\n')),
    interrupted: new AbortController().signal,
    ...session,
  });
  return { exitCode, output };
}

describe('npm test', () => {
  it('ends with the totals on the last line', async () => {
    const { exitCode, output } = await outcomeOf({});
    expect(output.at(-1)).toBe('3 passed, 0 failed, 0 skipped');
    expect(output.filter((line) => /passed/.test(line))).toHaveLength(1);
    expect(exitCode).toBe(0);
  });

  it('fails if a check fails, shows its output and still runs the rest', async () => {
    const failing = {
      name: 'lint',
      about: '',
      run: () => Promise.resolve({ code: 1, output: 'floating promise' }),
    };
    const last = { name: 'shell', about: '', run: vi.fn<Check['run']>(passing) };
    const { exitCode, output } = await outcomeOf({ checks: [failing, last] });
    expect(exitCode).toBe(1);
    expect(output).toContain('    floating promise');
    expect(output).toContain('failed: lint');
    expect(last.run).toHaveBeenCalledOnce();
    expect(output.at(-1)).toBe('3 passed, 1 failed, 0 skipped');
  });

  it('fails if tests fail', async () => {
    const { exitCode, output } = await outcomeOf({
      runTests: () =>
        Promise.resolve({
          code: 1,
          summary: { passed: 1, failures: ['takes twice'], skipped: [] },
        }),
    });
    expect(exitCode).toBe(1);
    expect(output.at(-1)).toBe('2 passed, 1 failed, 0 skipped');
  });

  it('fails with the reason if the set-up fails, and runs nothing', async () => {
    const runTests = vi.fn<Session['runTests']>();
    const setUp = () => Promise.reject(new Error('the package registry cannot be reached'));
    const { exitCode, output } = await outcomeOf({ setUp, runTests });
    expect(output).toEqual([
      'failed: set-up: the package registry cannot be reached',
      '0 passed, 1 failed, 0 skipped',
    ]);
    expect(exitCode).toBe(1);
    expect(runTests).not.toHaveBeenCalled();
  });

  it('fails if interrupted, and starts nothing more', async () => {
    const interruption = new AbortController();
    const interrupting = {
      name: 'types',
      about: '',
      run: () => {
        interruption.abort();
        return passing();
      },
    };
    const runTests = vi.fn<Session['runTests']>();
    const { exitCode } = await outcomeOf({
      checks: [interrupting],
      runTests,
      interrupted: interruption.signal,
    });
    expect(exitCode).toBe(1);
    expect(runTests).not.toHaveBeenCalled();
  });
});
