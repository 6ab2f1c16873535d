// @ts-check
import { join } from 'node:path';
import { run } from './child.mjs';
import { environment, NODE, ROOT, SetupError, setUp } from './setup.mjs';

/**
 * Installs dependencies if needed and runs a program from source, with this process's arguments, terminal and signals. Ctrl-C
 * reaches the program once, and this process ends after it, with its exit code.
 *
 * @param {string} program path from the root
 */
export async function runSource(program) {
  try {
    await setUp((line) => process.stderr.write(`${line}\n`));
    process.exitCode = await runProgram(join(ROOT, program));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** @param {string} program */
async function runProgram(program) {
  const { code } = await run(
    NODE,
    [
      '--conditions=@mgm/source',
      `--import=${join(ROOT, 'scripts/end-with-parent.mjs')}`,
      program,
      ...process.argv.slice(2),
    ],
    { cwd: process.cwd(), env: environment(), output: 'inherit', guarded: true },
  );
  return code;
}
