import { access } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { planSession } from './test-plan.mjs';

function namesOf(argv: string[], env: NodeJS.ProcessEnv = {}): string[] {
  const { checks, runs } = planSession(argv, env);
  return [...checks, ...runs].map(({ name }) => name);
}

describe('the plan of npm test', () => {
  it('has every check, then unit tests, then server-backed tests, then those with accounts', () => {
    const names = namesOf([]);
    expect(names.slice(0, 4)).toEqual(['types', 'lint', 'format', 'boundaries']);
    expect(names.slice(-3)).toEqual(['unit', 'servers', 'accounts']);
    // Packages are built before they are checked.
    expect(names.indexOf('build')).toBeLessThan(names.indexOf('packages'));
  });

  it('runs the server-backed tests once per source', () => {
    expect(namesOf(['--only', 'servers'], { MGM_TEST_SOURCES: 'docker,process' })).toEqual([
      'servers (docker)',
      'servers (process)',
    ]);
    expect(namesOf(['--only=servers'], { MGM_SERVERS: 'process' })).toEqual(['servers (process)']);
  });

  it('runs no tests with accounts on a NATS server given by URL, which has a configuration of its own', () => {
    const names = namesOf(['codec'], { MGM_NATS_URL: 'nats://127.0.0.1:4222' });
    expect(names).toEqual(['unit', 'servers']);
  });

  it('runs all of them with the first source, and those that depend on servers with the others', async () => {
    const env = { MGM_TEST_SOURCES: 'process,docker,auto' };
    const { runs } = planSession([], env);
    const args = runs.map((run) => run.args);
    expect(args.slice(0, 2)).toEqual([[], []]);
    const [, , places = [], last] = args;
    expect(last).toEqual(places);
    expect(runs.at(-1)).toEqual({
      name: 'accounts',
      project: 'accounts',
      source: 'process',
      args: [],
    });
    expect(places).toContain('packages/store/test/');
    expect(places).not.toContain('test/conformance/');
    for (const place of places)
      await expect(access(new URL(`../${place}`, import.meta.url))).resolves.toBeUndefined();
    for (const run of planSession(['codec'], env).runs) expect(run.args).toEqual(['codec']);
  });

  it('runs only tests with a filter for vitest', () => {
    const { checks, runs } = planSession(['codec', '-t', 'epoch'], {});
    expect(checks).toEqual([]);
    expect(runs.map(({ name }) => name)).toEqual(['unit', 'servers', 'accounts']);
    for (const { args } of runs) expect(args).toEqual(['codec', '-t', 'epoch']);
  });

  it('combines the filter with --only', () => {
    const { runs } = planSession(['--only', 'unit', 'codec'], {});
    expect(runs).toEqual([{ name: 'unit', project: 'unit', args: ['codec'] }]);
  });

  it('refuses steps and sources that do not exist', () => {
    expect(() => planSession(['--only', 'lnit'], {})).toThrow('--only lnit: must be one of types,');
    expect(() => planSession(['--only'], {})).toThrow('--only needs names');
    expect(() => planSession([], { MGM_TEST_SOURCES: 'podman' })).toThrow(
      'MGM_TEST_SOURCES=podman: must be of docker, process, auto',
    );
  });
});
