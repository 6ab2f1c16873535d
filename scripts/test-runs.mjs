// @ts-check
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';

const RUN_WITHIN_MS = 45 * 60_000;

/**
 * One run of vitest.
 *
 * @typedef {object} TestRun
 * @property {string} name for messages
 * @property {'unit' | 'servers' | 'accounts'} project of vitest.config.ts
 * @property {string} [source] the source of servers, as in `MGM_SERVERS`
 * @property {readonly string[]} args more arguments of vitest, as a filter of files
 */

/**
 * @typedef {object} TestRunResult
 * @property {number} code the exit code of vitest
 * @property {import('./tally.mjs').TestSummary | undefined} summary absent if it ended before it wrote one
 */

/**
 * Runs vitest, which inherits the output.
 *
 * @param {TestRun} testRun
 * @returns {Promise<TestRunResult>}
 */
export async function runTests({ project, source, args }) {
  const summaryFile = join(ROOT, `.cache/tests/${process.pid}-${project}-${source ?? 'none'}.json`);
  const { code } = await run(
    NODE,
    [
      '--import',
      join(ROOT, 'scripts/end-with-parent.mjs'),
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      ...vitestArgs(project, args),
    ],
    {
      cwd: ROOT,
      env: {
        ...environment(),
        TEST_SUMMARY_FILE: summaryFile,
        ...(source && { MGM_SERVERS: source }),
      },
      output: 'inherit',
      withinMs: RUN_WITHIN_MS,
      guarded: true,
    },
  );
  return { code, summary: takeSummary(summaryFile) };
}

/**
 * @param {string} project
 * @param {readonly string[]} args
 */
function vitestArgs(project, args) {
  const reporters = [
    '--reporter=default',
    `--reporter=${join(ROOT, 'scripts/summary-reporter.ts')}`,
  ];
  // A filter may match tests of one project only; the totals show if it matched none.
  return ['run', `--project=${project}`, ...reporters, '--passWithNoTests', ...args];
}

/**
 * @param {string} file
 * @returns {import('./tally.mjs').TestSummary | undefined}
 */
function takeSummary(file) {
  try {
    return /** @type {import('./tally.mjs').TestSummary} */ (
      JSON.parse(readFileSync(file, 'utf8'))
    );
  } catch {
    return undefined;
  } finally {
    rmSync(file, { force: true });
  }
}
