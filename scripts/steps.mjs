// @ts-check
import { join } from 'node:path';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';

const CHECK_WITHIN_MS = 5 * 60_000;

/**
 * A check passes if its command ends with 0. Its output is shown if it fails.
 *
 * @typedef {object} Check
 * @property {string} name for `--only`
 * @property {string} about its description, for `--help`
 * @property {() => Promise<import('./child.mjs').RunResult>} run
 */

/** All checks, in the order in which they run. @type {readonly Check[]} */
export const CHECKS = [
  tool('types', 'types of all sources, tests and scripts', 'tsc', ['--project', 'tsconfig.json']),
  tool('lint', 'unawaited promises, any, imports past an entry, …', 'oxlint', [
    '--type-aware',
    '--deny-warnings',
  ]),
  tool('format', 'files that `npm run format` would change', 'prettier', [
    '--check',
    '--log-level',
    'warn',
    '.',
  ]),
  tool('boundaries', 'imports that a package.json does not declare', 'turbo', ['boundaries']),
  tool('web-types', 'types of the pages of the console', 'tsc', [
    '--project',
    'services/console/web/tsconfig.json',
  ]),
  tool('unused', 'unused files, exports and dependencies', 'knip', ['--no-progress']),
  script('generated', 'generated files older than their source', 'check-generated.ts'),
  tool('build', 'the published output, into dist', 'tsc', ['--build', 'tsconfig.build.json']),
  bundle(),
  script('packages', 'the built packages, as a consumer sees them', 'check-packages.ts'),
  script('api', 'public names without a docstring', 'api.ts', ['--check']),
  script('shell', 'syntax of the shell scripts', 'check-shell.ts'),
  script('commits', 'subjects of the commits since the last release', 'check-subjects.ts'),
];

/**
 * @param {string} name
 * @param {string} about
 * @param {string} bin
 * @param {string[]} args
 * @returns {Check}
 */
function tool(name, about, bin, args) {
  return { name, about, run: () => check(join(ROOT, 'node_modules/.bin', bin), args) };
}

/** @returns {Check} */
function bundle() {
  const file = join(ROOT, 'services/console/scripts/bundle.ts');
  return {
    name: 'bundle',
    about: 'the pages of the console, into dist/web',
    run: () => check(NODE, [file]),
  };
}

/**
 * @param {string} name
 * @param {string} about
 * @param {string} file
 * @param {string[]} [args]
 * @returns {Check}
 */
function script(name, about, file, args = []) {
  return {
    name,
    about,
    run: () => check(NODE, ['--conditions=@mgm/source', join(ROOT, 'scripts', file), ...args]),
  };
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function check(command, args) {
  return run(command, args, {
    cwd: ROOT,
    env: environment(),
    output: 'collect',
    withinMs: CHECK_WITHIN_MS,
  });
}
