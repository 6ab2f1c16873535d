import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** The folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Node keeps compiled code here: a program that starts from source a second time needs half the CPU time to start. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../.cache/compiled', import.meta.url));
const SETPRIV = '/usr/bin/setpriv';
/** Runs a program on a pseudo-terminal (util-linux). */
const SCRIPT = '/usr/bin/script';
const TERMINAL = { TERM: 'xterm-256color' };
const PRINTS_WITHIN_MS = 120_000;
const ENDS_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 5_000;
/** The part of each stream that is kept, from its end. */
const KEPT_CHARS = 8 * 1024 * 1024;

/** How a test starts a program. */
export interface TestProcessOptions {
  /** Its whole environment, apart from `PATH` and the compile cache: nothing is inherited from the caller. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Arguments of Node before the program. */
  readonly nodeArgs?: readonly string[];
  /** Opens a channel for `process.send`; the program gets `disconnect` when the test ends. */
  readonly ipc?: boolean;
  /** Called with each message on that channel. */
  readonly onMessage?: (message: unknown) => void;
}

/** The size of a pseudo-terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** How a program ended: its exit code or the signal that ended it, and its output. */
export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program under test in a process of its own, with a known environment. Disposing kills it. */
export class TestProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #closed: Promise<number | string>;
  readonly #onOutput = new Set<() => void>();
  #stdout = '';
  #stderr = '';

  private constructor(command: readonly string[], options: TestProcessOptions) {
    const { env = {}, cwd, ipc = false, onMessage } = options;
    const [program = '', ...args] = command;
    this.child = spawn(program, args, {
      cwd,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      stdio: ['pipe', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    });
    // A program that has ended reads no more input; how it ended is what tests look at.
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = lastOf(this.#stdout + text);
      for (const look of this.#onOutput) look();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = lastOf(this.#stderr + text);
    });
    if (onMessage) this.child.on('message', onMessage);
    const { promise, resolve, reject } = Promise.withResolvers<number | string>();
    this.child.once('error', reject);
    this.child.once('close', (code, signal) => resolve(signal ?? code ?? ''));
    promise.catch(() => {});
    this.#closed = promise;
  }

  /** Starts a program of this repository from source. It is killed when this process ends. */
  static node(
    main: string | URL,
    args: readonly string[] = [],
    options: TestProcessOptions = {},
  ): TestProcess {
    return new TestProcess(endingWithParent(nodeCommand(main, args, options.nodeArgs)), options);
  }

  /** Starts any command. */
  static command(command: readonly string[], options: TestProcessOptions = {}): TestProcess {
    return new TestProcess(command, options);
  }

  /** Starts a program of this repository from source on a pseudo-terminal, whose output is `stdout`. */
  static onTerminal(
    main: string | URL,
    args: readonly string[],
    { columns, rows }: TerminalSize,
    options: TestProcessOptions = {},
  ): TestProcess {
    const missing = noTerminal();
    if (missing !== undefined) throw new Error(missing);
    const words = nodeCommand(main, args).map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const line = `stty cols ${columns} rows ${rows}; exec ${words.join(' ')}`;
    const env = { ...TERMINAL, ...options.env };
    return new TestProcess([SCRIPT, '-qec', line, '/dev/null'], { ...options, env });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get hasEnded(): boolean {
    const { pid, exitCode, signalCode } = this.child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  /** The standard output so far, without the control sequences of a terminal. */
  get stdout(): string {
    return stripVTControlCharacters(this.#stdout).replaceAll('\r\n', '\n');
  }

  /** The standard output so far, as it was written. */
  get rawStdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Both streams, one after the other. */
  get output(): string {
    return this.stdout + this.stderr;
  }

  /**
   * Waits until the standard output matches and resolves to the match.
   *
   * @throws Error with the output, when the program ends without printing it or takes longer than `withinMs`
   */
  async prints(pattern: RegExp, withinMs = PRINTS_WITHIN_MS): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (): void => {
      const match = pattern.exec(this.stdout);
      if (match) resolve(match);
    };
    const fail = (why: string): void =>
      reject(new Error(`${why}, ${pattern} not in: ${this.stdout.slice(-4_000)}${this.#stderr}`));
    this.#onOutput.add(look);
    const timer = setTimeout(() => fail(`after ${withinMs} ms`), withinMs);
    void this.#closed.then((code) => fail(`ended (${code})`), reject);
    look();
    return await promise.finally(() => {
      clearTimeout(timer);
      this.#onOutput.delete(look);
    });
  }

  /** Waits until the program has ended and all of its output was read. */
  async ended(withinMs = ENDS_WITHIN_MS): Promise<Ended> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`still runs after ${withinMs} ms: ${this.output}`)),
      withinMs,
    );
    const code = await Promise.race([this.#closed, promise]).finally(() => clearTimeout(timer));
    return { code, stdout: this.stdout, stderr: this.#stderr };
  }

  /** Types or pipes text into its standard input. */
  write(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Sends a message on the channel of `ipc`; a program that has closed its end gets nothing. */
  send(message: object | string): void {
    if (this.child.connected) this.child.send(message);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Stops the process: its connections stay open, and it does nothing until `resume`. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  /** Asks it to end, as an orchestrator does, and kills it when it does not end in time. */
  async stop(withinMs = STOP_WITHIN_MS): Promise<void> {
    if (this.hasEnded) return;
    this.child.kill('SIGTERM');
    // A paused process handles SIGTERM only when it continues.
    this.child.kill('SIGCONT');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), withinMs);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#closed.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** The command that runs a program of this repository from source. */
export function nodeCommand(
  main: string | URL,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): string[] {
  const path = main instanceof URL ? fileURLToPath(main) : main;
  return [process.execPath, '--conditions=@mgm/source', ...nodeArgs, path, ...args];
}

/** The same command, killed by the kernel as soon as the process that started it has ended (Linux; elsewhere unchanged). */
export function endingWithParent(command: readonly string[]): readonly string[] {
  return existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...command] : command;
}

/** Why this machine has no pseudo-terminal for {@link TestProcess.onTerminal}; `undefined` where it has one. */
export function noTerminal(): string | undefined {
  return existsSync(SCRIPT) ? undefined : `needs ${SCRIPT}: install util-linux (bsdutils)`;
}

function lastOf(text: string): string {
  return text.length > 2 * KEPT_CHARS ? text.slice(-KEPT_CHARS) : text;
}
