// @ts-check
import { join } from 'node:path';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';

const CHECK_WITHIN_MS = 5 * 60_000;

/**
 * A check: passes when its command ends with 0. Its output is shown when it does not.
 *
 * @typedef {object} Check
 * @property {string} name as `--only` takes it
 * @property {string} about what it finds, for `--help`
 * @property {() => Promise<import('./child.mjs').RunResult>} run
 */

/** All checks, in the order in which they run. @type {readonly Check[]} */
export const CHECKS = [
  tool('types', 'types of all sources, tests and scripts', 'tsc', ['--project', 'tsconfig.json']),
  tool('lint', 'promises nobody awaits, any, imports past an entry', 'oxlint', [
    '--type-aware',
    '--deny-warnings',
  ]),
  tool('format', 'what `npm run format` would change', 'prettier', [
    '--check',
    '--log-level',
    'warn',
    '.',
  ]),
  tool('boundaries', 'imports that a package.json does not declare', 'turbo', ['boundaries']),
  tool('unused', 'files, exports and dependencies nobody uses', 'knip', ['--no-progress']),
  script('generated', 'generated files older than their source', 'check-generated.ts'),
  tool('build', 'what is published, into dist', 'tsc', ['--build', 'tsconfig.build.json']),
  script('packages', 'what a consumer of the built packages would meet', 'check-packages.ts'),
  script('shell', 'syntax of the shell scripts', 'check-shell.ts'),
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

/**
 * @param {string} name
 * @param {string} about
 * @param {string} file
 * @returns {Check}
 */
function script(name, about, file) {
  return {
    name,
    about,
    run: () => check(NODE, ['--conditions=@mgm/source', join(ROOT, 'scripts', file)]),
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
