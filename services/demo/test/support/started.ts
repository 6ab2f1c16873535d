import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { TestProcess, type TestProcessOptions } from '@mgm/test-support';
import { inject } from 'vitest';

const START = new URL('../../src/start.ts', import.meta.url);
const TERMINAL = { columns: 100, rows: 30 };
const DATA_FOLDERS = fileURLToPath(new URL('../../../../.data', import.meta.url));
const CURSOR_MOVES = new RegExp(`${String.fromCodePoint(27)}\\[\\d*[A-H]`, 'g');
const READY = /^ready nats=(\S+) redis=(\S+) managers=(\d+)$/m;
const READY_WITHIN_MS = 120_000;

/** The addresses in the `ready` line. */
export interface Ready {
  readonly nats: string;
  readonly redis: string;
  readonly managers: number;
}

/** `start.ts` as a process, in empty folders of its own. Disposing kills it. */
export class Started implements AsyncDisposable {
  readonly #process: TestProcess;
  /** Its working directory and its temporary folder: it must leave nothing in them. */
  readonly #elsewhere: readonly string[];

  private constructor(process: TestProcess, elsewhere: readonly string[]) {
    this.#process = process;
    this.#elsewhere = elsewhere;
  }

  /** Starts it with pipes. */
  static with(args: readonly string[]): Promise<Started> {
    return Started.#start((options) => TestProcess.node(START, args, options));
  }

  /** Starts it on a terminal of 100 columns. */
  static onTerminal(args: readonly string[]): Promise<Started> {
    return Started.#start((options) => TestProcess.onTerminal(START, args, TERMINAL, options));
  }

  static async #start(start: (options: TestProcessOptions) => TestProcess): Promise<Started> {
    const [cwd, temporary] = [await emptyFolder(), await emptyFolder()];
    const process = start({ cwd, env: { ...environment(), TMPDIR: temporary } });
    return new Started(process, [cwd, temporary]);
  }

  get process(): TestProcess['child'] {
    return this.#process.child;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The standard output so far, without the control sequences of a terminal. */
  get output(): string {
    return this.#process.stdout;
  }

  /** The same as lines: a new one begins when the cursor is moved. */
  get lines(): readonly string[] {
    const text = this.#process.rawStdout.replaceAll(CURSOR_MOVES, '\n');
    return stripVTControlCharacters(text).split(/[\r\n]+/);
  }

  /** The error output so far. */
  get errors(): string {
    return this.#process.stderr;
  }

  /** Waits for the line `ready`. */
  async ready(): Promise<Ready> {
    const [, nats = '', redis = '', managers] = await this.prints(READY, READY_WITHIN_MS);
    return { nats, redis, managers: Number(managers) };
  }

  /** Waits until its output matches, and resolves to the match. */
  prints(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray> {
    return this.#process.prints(pattern, withinMs);
  }

  /** Waits until it has ended, and resolves to the exit code or the signal. */
  async ended(withinMs?: number): Promise<number | string> {
    return (await this.#process.ended(withinMs)).code;
  }

  /** Sends the signal and resolves as {@link ended}. */
  async endBy(signal: NodeJS.Signals, withinMs?: number): Promise<number | string> {
    this.#process.signal(signal);
    return await this.ended(withinMs);
  }

  /** The files that it left outside of its data folder. */
  async leftElsewhere(): Promise<string[]> {
    return (await Promise.all(this.#elsewhere.map((folder) => readdir(folder)))).flat();
  }

  /** The data folders of this run, unless it was given one. */
  async dataFolders(): Promise<string[]> {
    const names = await readdir(DATA_FOLDERS).catch(() => []);
    const own = names.filter((name) => name.startsWith(`${this.pid}-`));
    return own.map((name) => join(DATA_FOLDERS, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    const leftovers = [...this.#elsewhere, ...(await this.dataFolders())];
    for (const folder of leftovers) await rm(folder, { recursive: true, force: true });
  }
}

/** The settings for the servers of this test run; Docker needs the variables of its engine. */
function environment(): Record<string, string> {
  const docker = Object.entries(process.env).flatMap(([name, value]) =>
    /^(HOME|DOCKER_\w+|XDG_RUNTIME_DIR)$/.test(name) && value !== undefined ? [[name, value]] : [],
  );
  return { ...Object.fromEntries(docker), ...serverSettings() };
}

function serverSettings(): Record<string, string> {
  const { source, nats, redis } = inject('servers');
  return {
    ...(source === 'urls' ? {} : { MGM_SERVERS: source }),
    ...(nats.kind === 'given' && { MGM_NATS_URL: nats.url }),
    ...(redis.kind === 'given' && { MGM_REDIS_URL: redis.url }),
  };
}

/** A new temporary folder. */
export function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'mgm-demo-test-'));
}
