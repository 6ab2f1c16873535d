import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { NODE_ARGS } from './programs.ts';

const { NODE_COMPILE_CACHE } = process.env;
/** Where this process keeps compiled code, its children do. */
const COMPILED = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };

/** A Node program to run as a child. */
export interface Program {
  /** For people and for the name of its log: `manager-1`. */
  readonly name: string;
  /** Path of its file. */
  readonly file: string;
  readonly args: readonly string[];
  /** All that stands in its environment, beside where Node keeps compiled code. */
  readonly env: Readonly<Record<string, string>>;
  /** Its output is added to this file. */
  readonly logFile: string;
  /** Where it runs, and where it would leave files. */
  readonly folder: string;
}

/** How a child ended: `exit code 1`, `SIGKILL`. */
export type Ending = string;

/** What a parent wants to hear from a child. */
export interface ChildListener {
  /** What the child sent over its channel; unchecked. */
  readonly onMessage?: (message: unknown) => void;
}

/**
 * A child process with its output in a file. It has a process group of its own, so that a Ctrl-C in the terminal is
 * news for the parent alone, which then ends its children in order; and it ends when the parent vanishes.
 */
export class Child {
  /** Resolves when it is gone; never rejects. */
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

  /** Asks it to end and resolves when it is gone, killing it when it takes longer than that. */
  async stop(withinMs: number): Promise<void> {
    this.#process.kill('SIGTERM');
    // One that was stopped takes SIGTERM only when it goes on.
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
