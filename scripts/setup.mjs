// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.mjs';
import { withLock } from './lock.mjs';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The Node that runs everything: the one that the project installs. */
export const NODE = join(ROOT, 'node_modules/.bin/node');

const NODE_MAJOR = 24;
/** What `npx mgmctl` runs. The package may be newer than the last installation. */
const MGMCTL = join(ROOT, 'node_modules/.bin/mgmctl');
const INSTALL_WITHIN_MS = 10 * 60_000;

/** The set-up failed; the message is for people and complete. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Installs the packages of package-lock.json and checks that the project's Node runs. Fast if they are installed; concurrent
 * calls wait for each other.
 *
 * @param {(line: string) => void} say prints progress
 * @throws {SetupError}
 */
export async function setUp(say) {
  if (isInstalled() && existsSync(MGMCTL)) return;
  await withLock(join(ROOT, '.cache/setup.lock'), say, async () => {
    // The former holder of the lock may have installed everything.
    if (!isInstalled()) await install(say);
    if (!existsSync(MGMCTL)) await npm(['rebuild', '@mgm/mgmctl']);
  });
}

/** The environment of all programs that the scripts start. */
export function environment() {
  return {
    ...process.env,
    PATH: [join(ROOT, 'node_modules/.bin'), pathWithoutModules()].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    npm_config_update_notifier: 'false',
    // A compile cache halves the CPU time of a program's start.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(ROOT, '.cache/compiled'),
  };
}

/** Whether the installed packages match package-lock.json, by content: file times are meaningless after a checkout. */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  if (wanted === undefined || present === undefined || !existsSync(NODE)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || !path.includes('node_modules/')) return true;
    const found = present[path];
    if (found === undefined)
      return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return found.version === entry.version && found.resolved === entry.resolved;
  });
}

/**
 * @typedef {{ version?: string, resolved?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }} LockEntry
 * @param {string} file
 * @returns {Record<string, LockEntry> | undefined}
 */
function packagesOf(file) {
  try {
    const lock = /** @type {{ packages: Record<string, LockEntry> }} */ (
      JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
    );
    return lock.packages;
  } catch {
    return undefined;
  }
}

/** @param {(line: string) => void} say */
async function install(say) {
  say('installing the packages of package-lock.json (npm ci), half a minute the first time …');
  const startedMono = performance.now();
  await npm(['ci', '--include=dev', '--include=optional', '--include=peer']);
  // If install scripts are disabled, the binary of the project's Node is still missing.
  if ((await nodeVersion()) === undefined) await npm(['rebuild', 'node', '--ignore-scripts=false']);
  const version = await nodeVersion();
  if (!version?.startsWith(`v${NODE_MAJOR}.`)) throw new SetupError(noNode(version));
  say(`installed in ${((performance.now() - startedMono) / 1000).toFixed(0)} s, Node ${version}`);
}

/** @param {string[]} args */
async function npm(args) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await run('npm', [...args, ...quiet], {
    cwd: ROOT,
    // npm must not run on the Node that it will replace.
    env: { ...environment(), PATH: pathWithoutModules() },
    output: 'collect',
    withinMs: INSTALL_WITHIN_MS,
  });
  if (code !== 0) throw new SetupError(explain(args, output));
}

/**
 * @param {string[]} args
 * @param {string} output
 */
function explain(args, output) {
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(output);
  const why = offline
    ? 'the package registry is not reachable; it is needed once, then everything works offline'
    : 'npm says:';
  return `npm ${args[0]} failed: ${why}\n${output
    .trim()
    .split('\n')
    .slice(0, 8)
    .map((line) => `  ${line}`)
    .join('\n')}`;
}

async function nodeVersion() {
  if (!existsSync(NODE)) return undefined;
  const { code, output } = await run(NODE, ['--version'], {
    cwd: ROOT,
    env: environment(),
    output: 'collect',
    withinMs: 10_000,
  });
  return code === 0 ? output.trim() : undefined;
}

/** @param {string | undefined} version */
function noNode(version) {
  const found = version === undefined ? 'it does not run on this machine' : `it is ${version}`;
  return `node_modules/.bin/node should be Node ${NODE_MAJOR}, but ${found}; see \`npm ls node\` and \`npm rebuild node\``;
}

function pathWithoutModules() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((folder) => !folder.includes('node_modules')).join(delimiter);
}
