// @ts-check
import { Tally } from './tally.mjs';

/**
 * The parts of `npm test`, in this order.
 *
 * @typedef {object} Session
 * @property {() => Promise<void>} setUp rejects with a message for people; then nothing else runs
 * @property {readonly import('./steps.mjs').Check[]} checks all run, whatever the results of the others
 * @property {readonly import('./test-runs.mjs').TestRun[]} runs all run, too; together they must have a test
 * @property {(testRun: import('./test-runs.mjs').TestRun) => Promise<import('./test-runs.mjs').TestRunResult>} runTests
 * @property {(line: string) => void} say prints a line; the last one is `N passed, N failed, N skipped`
 * @property {AbortSignal} interrupted when it aborts, no further part is started
 */

/**
 * Runs everything, reports each step, and ends with the totals.
 *
 * @param {Session} session
 * @returns {Promise<number>} the exit code: 0 only if something passed and nothing failed
 */
export async function runSession(session) {
  const { checks, runs, runTests, say, interrupted } = session;
  const tally = new Tally();
  try {
    await timed(say, 'set-up', async () => {
      await session.setUp();
      return true;
    });
    for (const check of checks) if (!interrupted.aborted) await runCheck(check, tally, say);
    for (const testRun of runs)
      if (!interrupted.aborted) await runVitest(testRun, runTests, tally, say);
    if (runs.length > 0) tally.requireTests();
  } catch (error) {
    tally.addCheck(`set-up: ${error instanceof Error ? error.message : String(error)}`, false);
  }
  if (interrupted.aborted) tally.addCheck('interrupted before the end', false);
  for (const line of [...tally.details(), tally.line()]) say(line);
  return tally.exitCode();
}

/**
 * @param {import('./steps.mjs').Check} check
 * @param {Tally} tally
 * @param {(line: string) => void} say
 */
async function runCheck({ name, run }, tally, say) {
  let output = '';
  const passed = await timed(say, name, async () => {
    const result = await run();
    output = result.output;
    return result.code === 0;
  });
  if (!passed) say(output.trimEnd().replace(/^/gm, '    '));
  tally.addCheck(name, passed);
}

/**
 * @param {import('./test-runs.mjs').TestRun} testRun
 * @param {Session['runTests']} runTests
 * @param {Tally} tally
 * @param {(line: string) => void} say
 */
async function runVitest(testRun, runTests, tally, say) {
  await timed(say, testRun.name, async () => {
    const { code, summary } = await runTests(testRun);
    tally.addTests(testRun.name, code, summary);
    return code === 0;
  });
}

/**
 * Reports the duration and the result of a step.
 *
 * @param {(line: string) => void} say
 * @param {string} name
 * @param {() => Promise<boolean>} step
 */
async function timed(say, name, step) {
  const startedMono = performance.now();
  const passed = await step();
  const seconds = ((performance.now() - startedMono) / 1000).toFixed(1);
  say(`${passed ? '✓' : '✗'} ${name.padEnd(20)} ${seconds.padStart(6)} s`);
  return passed;
}
