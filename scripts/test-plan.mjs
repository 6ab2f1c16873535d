// @ts-check
import { parseArgs } from 'node:util';
import { CHECKS } from './steps.mjs';

const SOURCES = ['docker', 'process', 'auto'];

/**
 * Tests whose results may depend on the source of the servers or on their versions: of the sources themselves, of connections, of
 * scripts, which run in Redis, and of what happens when a server is stopped and started. All others run with the first source only.
 */
const DEPEND_ON_SERVERS = [
  'packages/client/test/connection.test.ts',
  'packages/client/test/recovery.test.ts',
  'packages/devstack/test/',
  'packages/nats/test/',
  'packages/store/test/',
  'services/demo/test/start.test.ts',
  'services/manager/test/bus.test.ts',
  'services/manager/test/outages.test.ts',
  'services/manager/test/server-checks.test.ts',
  'test/faults/durable.test.ts',
  'test/faults/nats-gone.test.ts',
  'test/faults/store-restart.test.ts',
];

const ACCOUNTS = { name: 'accounts', project: /** @type {const} */ ('accounts') };

/**
 * What `npm test` runs, from its arguments and the environment. With a filter for vitest and no `--only`, only tests run.
 *
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ checks: import('./steps.mjs').Check[], runs: import('./test-runs.mjs').TestRun[] }}
 * @throws {Error} names a wrong argument or variable
 */
export function planSession(argv, env) {
  const { only, rest } = splitArgs(argv);
  const known = [...CHECKS.map(({ name }) => name), 'unit', 'servers', 'accounts'];
  const unknown = only?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: must be one of ${known.join(', ')}`);
  /** @param {string} name */
  const wanted = (name) => only?.includes(name) ?? true;
  return {
    checks: CHECKS.filter(({ name }) => wanted(name) && (only !== undefined || rest.length === 0)),
    runs: testRuns(env, rest).filter(({ project }) => wanted(project)),
  };
}

/** @param {readonly string[]} argv */
function splitArgs(argv) {
  const { tokens } = parseArgs({
    args: [...argv],
    options: { only: { type: 'string' } },
    strict: false,
    tokens: true,
  });
  const only = tokens.find((token) => token.kind === 'option' && token.name === 'only');
  if (only?.kind !== 'option') return { only: undefined, rest: argv };
  if (only.value === undefined) throw new Error('--only needs names of steps, as --only lint,unit');
  const rest = argv.toSpliced(only.index, only.inlineValue ? 1 : 2);
  return { only: only.value.split(','), rest };
}

/**
 * The test runs: the unit tests, then the server-backed ones with each source, then those of the wire contract with NATS accounts,
 * which need a NATS server with a configuration of their own.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} args for vitest; if there are any, they select the files for every source
 * @returns {import('./test-runs.mjs').TestRun[]}
 */
function testRuns(env, args) {
  const name = env.MGM_TEST_SOURCES ? 'MGM_TEST_SOURCES' : 'MGM_SERVERS';
  const asked = (env[name] || 'auto').split(',').map((source) => source.trim());
  const unknown = asked.find((source) => !SOURCES.includes(source));
  if (unknown !== undefined)
    throw new Error(`${name}=${env[name]}: must be of ${SOURCES.join(', ')}`);
  const servers = [...new Set(asked)].map((source, at) => ({
    name: source === 'auto' ? 'servers' : `servers (${source})`,
    project: /** @type {const} */ ('servers'),
    source,
    args: at > 0 && args.length === 0 ? DEPEND_ON_SERVERS : args,
  }));
  const [first] = servers;
  const accounts = first && !env.MGM_NATS_URL ? [{ ...first, ...ACCOUNTS }] : [];
  return [{ name: 'unit', project: 'unit', args }, ...servers, ...accounts];
}
