// @ts-check

/**
 * What one run of vitest came to.
 *
 * @typedef {object} TestSummary
 * @property {number} passed
 * @property {string[]} failures one line for each failed test, hook, file, and error outside of them
 * @property {{ name: string, reason: string }[]} skipped
 */

/** Adds up checks and test runs: the last line of `npm test` and its exit code come from here. */
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
   * Counts the tests of one run. A run that ended badly is a failure, also where no test of it failed or no summary is left.
   *
   * @param {string} name
   * @param {number} exitCode of the test runner
   * @param {TestSummary | undefined} summary absent when the runner ended before it could write one
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

  /** To be called at the end of a run that has tests: a run of none is a failure. */
  requireTests() {
    if (this.#tests === 0) this.#failures.push('no tests ran');
  }

  /** What failed and what was skipped for which reason, one line each; empty when nothing was. */
  details() {
    return [
      ...this.#failures.map((failure) => `failed: ${failure}`),
      ...this.#skipped.map(({ name, reason }) => `skipped: ${name} (${reason})`),
    ];
  }

  /** `N passed, N failed, N skipped` */
  line() {
    return `${this.#passed} passed, ${this.#failures.length} failed, ${this.#skipped.length} skipped`;
  }

  /** 0 only where something passed and nothing failed. */
  exitCode() {
    return this.#failures.length === 0 && this.#passed > 0 ? 0 : 1;
  }
}
