import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from './child.mjs';
import { ROOT } from './setup.mjs';
import { SUMMARY_FILE } from './summary-reporter.ts';
import type { TestSummary } from './tally.mjs';

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const REPORTER = join(ROOT, 'scripts/summary-reporter.ts');

/** Runs vitest on one file with these tests, in a folder without others. */
async function summaryOf(tests: string, ...args: string[]): Promise<TestSummary> {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache/reporter-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const head = "import { beforeAll, describe, expect, it } from 'vitest';\n";
  writeFileSync(join(folder, 'sample.test.ts'), head + tests);
  const summaryFile = join(folder, 'summary.json');
  const { output } = await run(
    process.execPath,
    [VITEST, 'run', `--root=${folder}`, `--reporter=${REPORTER}`, ...args],
    {
      cwd: folder,
      env: { ...process.env, [SUMMARY_FILE]: summaryFile },
      output: 'collect',
      withinMs: 20_000,
    },
  );
  expect(output).not.toContain('Error: ');
  return JSON.parse(readFileSync(summaryFile, 'utf8')) as TestSummary;
}

describe('the summary of a vitest run', { timeout: 25_000 }, () => {
  it('has every result of a test, and the reason of each skipped one', async () => {
    const summary = await summaryOf(`
      it('passes', () => {});
      it('fails', () => expect(1).toBe(2));
      it('fails at length', () => { throw new Error('x'.repeat(1000)); });
      it('lacks something', (context) => context.skip('no IPv6 on this machine'));
      it.skip('was switched off', () => {});
      it.todo('does not exist yet');
    `);
    expect(summary).toEqual({
      passed: 1,
      failures: [
        'sample.test.ts > fails: expected 1 to be 2 // Object.is equality',
        `sample.test.ts > fails at length: ${'x'.repeat(300)} …`,
        'sample.test.ts > was switched off: skipped without a reason',
        'sample.test.ts > does not exist yet: skipped without a reason',
      ],
      skipped: [{ name: 'sample.test.ts > lacks something', reason: 'no IPv6 on this machine' }],
    });
  });

  it('counts a failed hook once, not the tests it prevented', async () => {
    const summary = await summaryOf(`
      describe('with servers', () => {
        beforeAll(() => { throw new Error('no redis'); });
        it('one', () => {});
        it('two', () => {});
      });
    `);
    expect(summary).toEqual({ passed: 0, failures: ['with servers: no redis'], skipped: [] });
  });

  it('counts a file that cannot be loaded', async () => {
    const { passed, failures } = await summaryOf(`throw new Error('broken file');`);
    expect(passed).toBe(0);
    expect(failures).toEqual(['sample.test.ts: broken file']);
  });

  it('counts an error outside of tests', async () => {
    const { failures } = await summaryOf(`
      it('passes', async () => {
        void Promise.reject(new Error('an unhandled rejection'));
        await new Promise((resolve) => setImmediate(resolve));
      });
    `);
    expect(failures).toEqual(['outside of all tests: an unhandled rejection']);
  });

  it('needs no reason for tests skipped by a filter of names', async () => {
    const tests = `it('takes', () => {}); it('releases', () => {});`;
    const summary = await summaryOf(tests, '-t', 'takes');
    expect(summary).toEqual({ passed: 1, failures: [], skipped: [] });
  });
});
