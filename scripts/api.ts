// Usage: api.ts [--check]. Writes the API reference into docs/api, or with `--check` only looks for missing docstrings.
import { join } from 'node:path';
import { run } from './child.mjs';
import { environment, NODE, ROOT } from './setup.mjs';
import { installTools } from './tools.ts';

const WITHIN_MS = 5 * 60_000;

/** Runs typedoc on the built types. Every warning, such as a missing docstring, is a failure. */
async function typedoc(...args: readonly string[]): Promise<void> {
  const program = join(await installTools(), 'typedoc/bin/typedoc');
  const { code, output } = await run(NODE, [program, '--treatWarningsAsErrors', ...args], {
    cwd: join(ROOT, 'tools'),
    env: environment(),
    output: 'collect',
    withinMs: WITHIN_MS,
  });
  process.stdout.write(output);
  if (code !== 0) process.exitCode = 1;
}

// Without output typedoc does not look for missing docstrings.
await typedoc(...(process.argv.includes('--check') ? ['--out', join(ROOT, '.cache/api')] : []));
