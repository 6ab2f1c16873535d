import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TestProcess } from '@mgm/test-support';

const PROGRAM = fileURLToPath(new URL('../../examples/python-worker/worker.py', import.meta.url));
/** Only the standard library is importable, no bytecode is written, and output is unbuffered. */
const STANDARD_LIBRARY_ONLY = ['-E', '-s', '-S', '-B', '-u'];
const NEEDED =
  'python3 of version 3.11 or newer is needed: apt-get install python3, or put one on the PATH';

async function requirePython(): Promise<void> {
  const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 11))';
  await promisify(execFile)('python3', ['-c', isNewEnough], { timeout: 60_000 }).catch(
    (cause: unknown) => {
      throw new Error(NEEDED, { cause });
    },
  );
}

/**
 * Starts the example on a router.
 *
 * @throws Error that says what to install, when there is no suitable Python
 */
export async function startPythonWorker(
  nats: string,
  router: string,
  args: readonly string[],
): Promise<TestProcess> {
  await requirePython();
  const options = ['--nats', nats, '--router', router, ...args];
  return TestProcess.command(['python3', ...STANDARD_LIBRARY_ONLY, PROGRAM, ...options]);
}
