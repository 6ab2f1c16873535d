import type { ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gone, isRunning, spawnBound } from './child-process.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 8_000;
/** How often to read a log file while a program starts. */
const READ_EVERY_MS = 20;
/** The part of a log file that is searched for the line of readiness, in bytes. */
const LOG_READ_MAX = 256 * 1024;
/** The part of the output that is kept, from its end. */
const KEPT_CHARS = 8 * 1024 * 1024;
/** Node keeps compiled code here: from the second start on, a program of Node starts in half the time. */
const COMPILE_CACHE = join(homedir(), '.cache/mgm/compiled');

/** How a program is started. */
export interface ProgramOptions {
  /** For messages: `the manager`. */
  readonly name: string;
  /** Its path and its arguments. */
  readonly command: readonly string[];
  /** Its whole environment, apart from the compile cache of Node. */
  readonly env: Readonly<Record<string, string>>;
  /** A text that its output contains when it is ready. */
  readonly ready: string;
  /** The folder to run in. Default: the root. */
  readonly dir?: string | undefined;
  /** A file that its output is appended to. Default: the output is kept in memory. */
  readonly logFile?: string | undefined;
}

/**
 * Starts a program that does not outlive this process and resolves when it is ready.
 *
 * @throws Error with its last output if it ends or is not ready within a minute; nothing of it is left
 */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const program = new Program(options);
  await program.start();
  return program;
}

/** A program in a process of its own, as in a deployment. Disposing stops it. */
export class Program implements AsyncDisposable {
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;
  #output = '';
  #onOutput = (_text: string): void => {};
  /** The size of the log file before the last start. */
  #logFrom = 0;

  /** Starts nothing yet: see {@link start}, or {@link startProgram} for both. */
  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  /** The process id of the running process, or of the last one; 0 before the first start. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The last part of its log and of its error output, over all starts. Empty if the output goes to a file. */
  output(): string {
    return this.#output;
  }

  /** Starts it, with the same settings as before, and resolves when it is ready. Does nothing while it runs. */
  async start(): Promise<void> {
    if (isRunning(this.#child)) return;
    const { name } = this.#options;
    const child = this.#spawn();
    const ended = new Promise<Error | undefined>((resolve) => {
      child.once('error', resolve);
      // 'close', not 'exit': by then all output has been read.
      child.once('close', () => resolve(undefined));
    });
    try {
      await this.#ready(child, ended);
    } catch (cause) {
      await this.kill();
      throw new Error(`${name} did not become ready: ${await this.#lastOutput()}`, { cause });
    }
  }

  /** Stops the process: its connections stay open and it replies to nothing until {@link resume}. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Continues a paused process. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Asks it to end, as an orchestrator does, and kills it if it does not end within 8 s. Resolves when it has ended. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!isRunning(child)) return;
    child.kill('SIGTERM');
    // A paused process handles SIGTERM only when it continues.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone(child);
    clearTimeout(timer);
  }

  /** Ends it as a crash would. Resolves when it has ended. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!isRunning(child)) return;
    child.kill('SIGKILL');
    await gone(child);
  }

  /** Ends it as a crash would, if it runs, starts it again, and resolves when it is ready. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #spawn(): ChildProcess {
    const { command: words, dir = '/', env, logFile } = this.#options;
    const [command = '', ...args] = words;
    const log = logFile === undefined ? undefined : openSync(logFile, 'a');
    try {
      if (log !== undefined) this.#logFrom = fstatSync(log).size;
      const child = spawnBound({
        command,
        args,
        dir,
        onOrphaned: 'KILL',
        env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
        ...(log !== undefined && { output: log }),
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => this.#add(text));
      }
      this.#child = child;
      return child;
    } finally {
      if (log !== undefined) closeSync(log);
    }
  }

  #add(text: string): void {
    this.#output += text;
    if (this.#output.length > 2 * KEPT_CHARS) this.#output = this.#output.slice(-KEPT_CHARS);
    this.#onOutput(text);
  }

  async #ready(child: ChildProcess, ended: Promise<Error | undefined>): Promise<void> {
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => limit.reject(new Error(`not ready within ${READY_WITHIN_MS / 1000} s`)),
      READY_WITHIN_MS,
    );
    const failed = ended.then((error): never => {
      throw error ?? new Error(`ended (${child.signalCode ?? child.exitCode})`);
    });
    const stopped = new AbortController();
    try {
      await Promise.race([this.#readyLine(stopped.signal), failed, limit.promise]);
    } finally {
      clearTimeout(timer);
      stopped.abort();
    }
  }

  /** Resolves when the output of this start has the line. */
  async #readyLine(signal: AbortSignal): Promise<void> {
    const { logFile, ready } = this.#options;
    if (logFile === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      let seen = '';
      this.#onOutput = (text) => {
        seen += text;
        if (seen.includes(ready)) resolve();
      };
      await promise.finally(() => (this.#onOutput = () => {}));
    } else {
      while (!signal.aborted && !(await this.#logged(logFile)).includes(ready)) {
        await delay(READ_EVERY_MS);
      }
    }
  }

  async #lastOutput(): Promise<string> {
    const { logFile } = this.#options;
    return (logFile === undefined ? this.#output : await this.#logged(logFile)).slice(-4_000);
  }

  /** What was appended to the log file since the last start, at most its first {@link LOG_READ_MAX} bytes. */
  async #logged(file: string): Promise<string> {
    await using opened = await open(file);
    const { buffer, bytesRead } = await opened.read({
      buffer: Buffer.alloc(LOG_READ_MAX),
      position: this.#logFrom,
    });
    return buffer.toString('utf8', 0, bytesRead);
  }
}
