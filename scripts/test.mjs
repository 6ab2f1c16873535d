// @ts-check
// Runs on any Node >= 20 of the machine, before npm has installed anything.
import { runSession } from './session.mjs';
import { setUp } from './setup.mjs';
import { CHECKS } from './steps.mjs';
import { planSession } from './test-plan.mjs';
import { runTests } from './test-runs.mjs';

const HELP = `npm test                          everything: set-up, checks, unit tests, tests against real servers
npm test -- --only lint,unit      only these steps
npm test -- codec                 the tests of files whose path contains "codec"; other arguments go to vitest as well

Steps:
${[
  ...CHECKS,
  { name: 'unit', about: 'tests without servers' },
  { name: 'servers', about: 'tests with real Redis and NATS' },
  { name: 'accounts', about: 'conformance tests with NATS accounts; not with MGM_NATS_URL' },
]
  .map(({ name, about }) => `  ${name.padEnd(12)}${about}`)
  .join('\n')}

MGM_TEST_SOURCES=docker,process   sources of servers: all tests run with the first one, those whose results may depend
                                  on the source also with the others
                                  (default: containers if a Docker engine answers, else processes)
MGM_NATS_URL, MGM_REDIS_URL       running servers; the tests leave their data there

The last line is "N passed, N failed, N skipped"; the exit code is not 0 if anything failed or no test ran.
`;

async function main() {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) return void process.stdout.write(HELP);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => interrupted.abort());
  /** @param {string} line */
  const say = (line) => void process.stdout.write(`${line}\n`);
  try {
    const { checks, runs } = planSession(argv, process.env);
    process.exitCode = await runSession({
      setUp: () => setUp(say),
      checks,
      runs,
      runTests,
      say,
      interrupted: interrupted.signal,
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}

await main();
