import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type {
  Reporter,
  SerializedError,
  TestCase,
  TestModule,
  TestSuite,
  Vitest,
} from 'vitest/node';
import type { TestSummary } from './tally.mjs';

/** The environment variable that names the file to write the summary to. */
export const SUMMARY_FILE = 'TEST_SUMMARY_FILE';

const SHOWN_CHARS = 300;

/**
 * Writes the summary for `scripts/test.mjs`. Vitest's own JSON report lacks the reasons of skipped tests and the errors outside
 * of tests.
 */
export default class SummaryReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[SUMMARY_FILE];
    if (file === undefined) throw new Error(`${SUMMARY_FILE} is not set`);
    // A filter of names skips most tests, which needs no reason.
    const filtered = this.#vitest?.config.testNamePattern !== undefined;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(summarize(modules, unhandled, filtered)));
  }
}

/** Adds up a run of vitest. A test skipped without a reason is a failure, unless `filtered`. */
export function summarize(
  modules: readonly TestModule[],
  unhandled: readonly SerializedError[],
  filtered: boolean,
): TestSummary {
  const summary: TestSummary = { passed: 0, failures: [], skipped: [] };
  for (const module of modules) {
    for (const test of module.children.allTests()) addTest(summary, test, filtered);
    for (const suite of [module, ...module.children.allSuites()]) addSuiteErrors(summary, suite);
  }
  for (const error of unhandled) summary.failures.push(`outside of all tests: ${error.message}`);
  return summary;
}

function addTest(summary: TestSummary, test: TestCase, filtered: boolean): void {
  const name = `${test.module.relativeModuleId} > ${test.fullName}`;
  const result = test.result();
  switch (result.state) {
    case 'passed':
      summary.passed += 1;
      return;
    case 'failed':
      summary.failures.push(`${name}: ${briefly(result.errors[0]?.message)}`);
      return;
    case 'skipped':
      if (result.note !== undefined) summary.skipped.push({ name, reason: result.note });
      else if (!filtered && !hasFailedSuite(test))
        summary.failures.push(`${name}: skipped without a reason`);
      return;
    case 'pending':
      summary.failures.push(`${name}: did not end`);
  }
}

/** The start of an error: the output has the whole one far above, and a log that was cut off has not. */
function briefly(message = 'failed without an error'): string {
  return message.length > SHOWN_CHARS ? `${message.slice(0, SHOWN_CHARS)} …` : message;
}

/** After a failed hook vitest skips the tests of its suite; only the failure of the hook is counted. */
function hasFailedSuite(test: TestCase): boolean {
  for (let suite: TestSuite | TestModule = test.parent; ; suite = suite.parent) {
    if (suite.errors().length > 0) return true;
    if (suite.type === 'module') return false;
  }
}

function addSuiteErrors(summary: TestSummary, suite: TestSuite | TestModule): void {
  const name = suite.type === 'module' ? suite.relativeModuleId : suite.fullName;
  for (const error of suite.errors()) summary.failures.push(`${name}: ${error.message}`);
}
