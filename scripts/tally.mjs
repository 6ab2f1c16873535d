// @ts-check

/**
 * The result of one run of vitest.
 *
 * @typedef {object} TestSummary
 * @property {number} passed
 * @property {string[]} failures one line for each failed test, hook, file, and error outside of them
 * @property {{ name: string, reason: string }[]} skipped
 */

/** Adds up checks and test runs, for the last line of `npm test` and its exit code. */
export class Tally {
  #passed = 0;
  #tests = 0;
  /** @type {string[]} */
  #failures = [];
  /** @type {{ name: string, reason: string }[]} */
  #skipped = [];

  /**
   * Counts a check as one.
   *
   * @param {string} name
   * @param {boolean} passed
   */
  addCheck(name, passed) {
    if (passed) this.#passed += 1;
    else this.#failures.push(name);
  }

  /**
   * Counts the tests of one run. A run with a bad exit code is a failure, also if no test failed or the summary is missing.
   *
   * @param {string} name
   * @param {number} exitCode of the test runner
   * @param {TestSummary | undefined} summary absent if the runner ended before it wrote one
   */
  addTests(name, exitCode, summary) {
    const { passed, failures, skipped } = summary ?? { passed: 0, failures: [], skipped: [] };
    this.#passed += passed;
    this.#tests += passed + failures.length + skipped.length;
    this.#failures.push(...failures.map((failure) => `${name}: ${failure}`));
    this.#skipped.push(...skipped.map((test) => ({ ...test, name: `${name}: ${test.name}` })));
    if (summary === undefined)
      this.#failures.push(`${name}: ended with ${exitCode} before it had run its tests`);
    else if (exitCode !== 0 && failures.length === 0)
      this.#failures.push(`${name}: ended with ${exitCode} although no test failed`);
  }

  /** Called at the end of a session with test runs: no tests at all is a failure. */
  requireTests() {
    if (this.#tests === 0) this.#failures.push('no tests ran');
  }

  /** Skipped tests with their reasons, then failures, one line each: failures are next to the totals. */
  details() {
    return [
      ...this.#skipped.map(({ name, reason }) => `skipped: ${name} (${reason})`),
      ...this.#failures.map((failure) => `failed: ${oneLine(failure)}`),
    ];
  }

  /** `N passed, N failed, N skipped` */
  line() {
    return `${this.#passed} passed, ${this.#failures.length} failed, ${this.#skipped.length} skipped`;
  }

  /** 0 only if something passed and nothing failed. */
  exitCode() {
    return this.#failures.length === 0 && this.#passed > 0 ? 0 : 1;
  }
}

/** @param {string} text */
function oneLine(text) {
  return text.replace(/\s*\n\s*/g, ' ');
}
