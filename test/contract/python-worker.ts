import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../examples/python-worker/worker.py', import.meta.url));
/** Nothing but the standard library is found, nothing is written beside the sources, output comes at once. */
const STANDARD_LIBRARY_ONLY = ['-E', '-s', '-S', '-B', '-u'];
const NEEDED =
  'python3 of version 3.11 or newer is needed: apt-get install python3, or put one on the PATH';

async function requirePython(): Promise<void> {
  const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 11))';
  await promisify(execFile)('python3', ['-c', isNewEnough], { timeout: 10_000 }).catch(
    (cause: unknown) => {
      throw new Error(NEEDED, { cause });
    },
  );
}

/**
 * Starts the example on a router.
 *
 * @throws Error that says what to install, where there is no Python that can run it
 */
export async function startPythonWorker(
  nats: string,
  router: string,
  args: readonly string[],
): Promise<PythonWorker> {
  await requirePython();
  return new PythonWorker(['--nats', nats, '--router', router, ...args]);
}

/** The example as a process of its own. Disposing kills it. */
class PythonWorker implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  #output = '';

  constructor(args: readonly string[]) {
    this.#child = spawn('python3', [...STANDARD_LIBRARY_ONLY, PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#gone = once(this.#child, 'close');
  }

  /** What it wrote so far. */
  get output(): string {
    return this.#output;
  }

  signal(signal: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Its exit code, as soon as it has ended. */
  async ended(): Promise<number | null> {
    await this.#gone;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }
}
