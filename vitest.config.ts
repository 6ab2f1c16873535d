import { defineConfig } from 'vitest/config';
import { makeNeutral } from './test/environment.ts';

// Before any test process is started, so that all of them inherit it.
makeNeutral(process.env);

/**
 * Workspace packages are tested as sources, as `node --conditions=@mgm/source` runs them. Vitest starts its workers with these
 * conditions too; `import` and `default` hold anyway, and naming them here would make `require` choose ES modules.
 */
const conditions = ['@mgm/source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  // The environment that runs the global setup.
  environments: { __vitest__: { resolve: { conditions, externalConditions: conditions } } },
  test: {
    // Tests signal processes and measure time, so each file has a process of its own. Three at once keep two cores busy: most files
    // wait for leases and processes for a third of their time.
    pool: 'forks',
    maxWorkers: 3,
    // A race that a retry hides is the defect that a lease system must not have.
    retry: 0,
    teardownTimeout: 20_000,
    silent: 'passed-only',
    mockReset: true,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{packages,services}/*/src/**/*.test.ts',
            'scripts/*.test.ts',
            'test/*.test.ts',
            'test/robustness/{check,mutations}/*.test.ts',
          ],
          // Ends a test that hangs. Tests that run Git or another Vitest take 16 s on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: [
            '{packages,services}/*/test/**/*.test.ts',
            'test/**/*.test.ts',
            'scripts/consumer/*.test.ts',
          ],
          exclude: [
            '**/node_modules/**',
            'test/*.test.ts',
            'test/robustness/{check,mutations}/*.test.ts',
          ],
          globalSetup: ['test/servers.ts'],
          // Ends a test that hangs. Waits have limits of their own, which do not count time without CPU.
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          // The wire contract once more, with callers that are NATS accounts: test/support/stage.ts.
          name: 'accounts',
          include: ['test/conformance/**/*.test.ts'],
          // Configures NATS itself, without accounts.
          exclude: ['test/conformance/small-payload.test.ts'],
          provide: { accounts: true },
          globalSetup: ['test/servers.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
