import { describe, expect, it } from 'vitest';
import { Tally } from './tally.mjs';

const oneTest = { passed: 1, failures: [], skipped: [] };

describe('the totals of npm test', () => {
  it('counts each check as one and adds the tests of all runs', () => {
    const tally = new Tally();
    tally.addCheck('types', true);
    tally.addTests('unit', 0, {
      passed: 3,
      failures: [],
      skipped: [{ name: 'a', reason: 'no IPv6' }],
    });
    tally.addTests('servers', 0, { passed: 2, failures: [], skipped: [] });
    tally.requireTests();
    expect(tally.line()).toBe('6 passed, 0 failed, 1 skipped');
    expect(tally.details()).toEqual(['skipped: unit: a (no IPv6)']);
    expect(tally.exitCode()).toBe(0);
  });

  it('fails if a check failed', () => {
    const tally = new Tally();
    tally.addTests('unit', 0, oneTest);
    tally.addCheck('lint', false);
    expect(tally.line()).toBe('1 passed, 1 failed, 0 skipped');
    expect(tally.details()).toEqual(['failed: lint']);
    expect(tally.exitCode()).toBe(1);
  });

  it('fails if a test failed', () => {
    const tally = new Tally();
    tally.addTests('unit', 1, { ...oneTest, failures: ['takes twice'] });
    expect(tally.line()).toBe('1 passed, 1 failed, 0 skipped');
    expect(tally.exitCode()).toBe(1);
  });

  it('lists failures last, next to the totals, one line each', () => {
    const tally = new Tally();
    tally.addTests('unit', 1, {
      passed: 1,
      failures: ['takes twice', 'outside of all tests: two\n  lines'],
      skipped: [{ name: 'a', reason: 'no IPv6' }],
    });
    expect(tally.details()).toEqual([
      'skipped: unit: a (no IPv6)',
      'failed: unit: takes twice',
      'failed: unit: outside of all tests: two lines',
    ]);
  });

  it('fails if the test runner failed although no test failed', () => {
    const tally = new Tally();
    tally.addTests('unit', 1, oneTest);
    expect(tally.line()).toBe('1 passed, 1 failed, 0 skipped');
    expect(tally.exitCode()).toBe(1);
  });

  it('fails if the test runner left no summary, with any exit code', () => {
    const tally = new Tally();
    tally.addCheck('types', true);
    tally.addTests('unit', 0, undefined);
    expect(tally.details()).toEqual(['failed: unit: ended with 0 before it had run its tests']);
    expect(tally.exitCode()).toBe(1);
  });

  it('fails if no test ran', () => {
    const tally = new Tally();
    tally.addCheck('types', true);
    tally.addTests('unit', 0, { passed: 0, failures: [], skipped: [] });
    tally.requireTests();
    expect(tally.line()).toBe('1 passed, 1 failed, 0 skipped');
    expect(tally.exitCode()).toBe(1);
  });

  it('fails if nothing ran at all', () => {
    expect(new Tally().exitCode()).toBe(1);
  });
});
