import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { COMPILED, eventually } from '@mgm/test-support';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const SCRIPT = '/usr/bin/script';
const END_WITHIN_MS = 15_000;
const PRINT_WITHIN_MS = 10_000;

/** How a run of the program ended. */
export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on its standard input. */
  readonly input?: string;
  /** How wide the terminal is. Default 100. */
  readonly columns?: number;
}

/** `mgmctl` as a process of its own. Disposing kills it. */
export class Program implements AsyncDisposable {
  readonly process: ChildProcess;
  #stdout = '';
  #stderr = '';
  readonly #ended: Promise<number | string>;

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const [file = '', ...args] = command;
    this.process = spawn(file, args, {
      env: { PATH: process.env['PATH'], ...COMPILED, ...env },
      stdio: 'pipe',
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    const { promise, resolve, reject } = Promise.withResolvers<number | string>();
    this.process.once('error', reject);
    this.process.once('close', (code, signal) => resolve(signal ?? code ?? ''));
    this.#ended = promise;
  }

  /** All of the standard output so far; of a terminal, without what steers it. */
  get stdout(): string {
    return stripVTControlCharacters(this.#stdout).replaceAll('\r\n', '\n');
  }

  /** The same with everything. */
  get raw(): string {
    return this.#stdout;
  }

  /** Resolves when the standard output matches, with the match. */
  prints(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(
      () => {
        const match = pattern.exec(this.stdout);
        if (match) return match;
        throw new Error(`${pattern} not in: ${this.stdout.slice(-2_000)}${this.#stderr}`);
      },
      { withinMs: PRINT_WITHIN_MS },
    );
  }

  /** Types something. */
  type(text: string): void {
    this.process.stdin?.write(text);
  }

  /** Resolves when it has ended and all that it wrote was read. */
  async ended(): Promise<Ended> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`runs after ${END_WITHIN_MS} ms: ${this.stdout}${this.#stderr}`)),
      END_WITHIN_MS,
    );
    const code = await Promise.race([this.#ended, promise]).finally(() => clearTimeout(timer));
    return { code, stdout: this.stdout, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended();
  }
}

/** The command that runs the program from source. */
export function commandOf(args: readonly string[]): string[] {
  return [process.execPath, '--conditions=@mgm/source', MAIN, ...args];
}

/** Starts it with pipes, as a script does. */
export function start(args: readonly string[], { env = {}, input }: RunOptions = {}): Program {
  const program = new Program(commandOf(args), env);
  if (input !== undefined) program.process.stdin?.end(input);
  return program;
}

/** Runs it to its end, with pipes. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  await using program = start(args, { input: '', ...options });
  return await program.ended();
}

/** Starts it on a terminal of 30 rows, as a person does. */
export function onTerminal(
  args: readonly string[],
  { env = {}, columns = 100 }: RunOptions = {},
): Program {
  if (!existsSync(SCRIPT)) {
    throw new Error(`${SCRIPT} makes the terminal and is missing: install util-linux (bsdutils)`);
  }
  const words = commandOf(args).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const line = `stty cols ${columns} rows 30; exec ${words.join(' ')}`;
  return new Program([SCRIPT, '-qec', line, '/dev/null'], { TERM: 'xterm-256color', ...env });
}
