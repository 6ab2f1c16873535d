import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { NODE_ARGS } from './programs.ts';

const { NODE_COMPILE_CACHE } = process.env;
/** Children use the compile cache of this process. */
const COMPILED = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };

/** A Node program to run as a child. */
export interface Program {
  /** For messages and for the name of its log: `manager-1`. */
  readonly name: string;
  /** Path of its file. */
  readonly file: string;
  readonly args: readonly string[];
  /** Its whole environment, except the compile cache of Node. */
  readonly env: Readonly<Record<string, string>>;
  /** Its output is appended to this file. */
  readonly logFile: string;
  /** Its working directory. */
  readonly folder: string;
}

/** How a child ended: `exit code 1`, `SIGKILL`. */
export type Ending = string;

/** The receiver of a child's messages. */
export interface ChildListener {
  /** A message that the child sent over its channel; unchecked. */
  readonly onMessage?: (message: unknown) => void;
}

/**
 * A child process with its output in a file. It has a process group of its own, so that Ctrl-C in the terminal reaches only the
 * parent, which then ends its children in order; and it ends if the parent is killed.
 */
export class Child {
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;

  constructor(program: Program, listener: ChildListener = {}) {
    this.#process = spawnLogged(program);
    if (listener.onMessage) this.#process.on('message', listener.onMessage);
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#process.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    this.#process.once('error', (error) => {
      if (this.#process.pid === undefined) resolve(error.message);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Sends SIGTERM and resolves when it has ended; kills it after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#process.kill('SIGTERM');
    // A stopped process handles SIGTERM only after SIGCONT.
    this.#process.kill('SIGCONT');
    const timer = setTimeout(() => this.kill(), withinMs);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

function spawnLogged({ file, args, env, logFile, folder }: Program): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    return spawn(process.execPath, [...NODE_ARGS, file, ...args], {
      cwd: folder,
      env: { ...COMPILED, ...env },
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}
