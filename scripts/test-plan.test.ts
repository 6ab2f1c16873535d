import { describe, expect, it } from 'vitest';
import { planSession } from './test-plan.mjs';

function namesOf(argv: string[], env: NodeJS.ProcessEnv = {}): string[] {
  const { checks, runs } = planSession(argv, env);
  return [...checks, ...runs].map(({ name }) => name);
}

describe('the plan of npm test', () => {
  it('has every check, then unit tests, then server-backed tests', () => {
    const names = namesOf([]);
    expect(names.slice(0, 4)).toEqual(['types', 'lint', 'format', 'boundaries']);
    expect(names.slice(-2)).toEqual(['unit', 'servers']);
    // What is checked as a package must have been built before.
    expect(names.indexOf('build')).toBeLessThan(names.indexOf('packages'));
  });

  it('runs the server-backed tests once per source asked for', () => {
    expect(namesOf(['--only', 'servers'], { MGM_TEST_SOURCES: 'docker,process' })).toEqual([
      'servers (docker)',
      'servers (process)',
    ]);
    expect(namesOf(['--only=servers'], { MGM_SERVERS: 'process' })).toEqual(['servers (process)']);
  });

  it('runs tests only, with a filter for vitest', () => {
    const { checks, runs, rest } = planSession(['codec', '-t', 'epoch'], {});
    expect(checks).toEqual([]);
    expect(runs.map(({ name }) => name)).toEqual(['unit', 'servers']);
    expect(rest).toEqual(['codec', '-t', 'epoch']);
  });

  it('keeps the filter beside --only', () => {
    const { runs, rest } = planSession(['--only', 'unit', 'codec'], {});
    expect(runs.map(({ name }) => name)).toEqual(['unit']);
    expect(rest).toEqual(['codec']);
  });

  it('refuses steps and sources that do not exist', () => {
    expect(() => planSession(['--only', 'lnit'], {})).toThrow('--only lnit: must be one of types,');
    expect(() => planSession(['--only'], {})).toThrow('--only needs names');
    expect(() => planSession([], { MGM_TEST_SOURCES: 'podman' })).toThrow(
      'MGM_TEST_SOURCES=podman: must be of docker, process, auto',
    );
  });
});
