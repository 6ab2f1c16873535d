import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { COMPILED, eventually } from '@mgm/test-support';
import { inject } from 'vitest';

const START = fileURLToPath(new URL('../../src/start.ts', import.meta.url));
const DATA_FOLDERS = fileURLToPath(new URL('../../../../.data', import.meta.url));
const CURSOR_MOVES = new RegExp(`${String.fromCodePoint(27)}\\[\\d*[A-H]`, 'g');
const READY = /^ready nats=(\S+) redis=(\S+) managers=(\d+)$/m;
const READY_WITHIN_MS = 30_000;
const END_WITHIN_MS = 15_000;

/** Where a run that is ready can be reached. */
export interface Ready {
  readonly nats: string;
  readonly redis: string;
  readonly managers: number;
}

/** `start.ts` as a process, in empty folders that it has no business with. Disposing kills it. */
export class Started implements AsyncDisposable {
  readonly process: ChildProcess;
  /** Its working directory, and its folder for temporary files. */
  readonly elsewhere: readonly string[];
  #output = '';
  #errors = '';

  private constructor(child: ChildProcess, elsewhere: readonly string[]) {
    this.process = child;
    this.elsewhere = elsewhere;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  static async with(args: readonly string[], command?: readonly string[]): Promise<Started> {
    const [cwd, temporary] = [await emptyFolder(), await emptyFolder()];
    const [program = '', ...rest] = command ?? startCommand(args);
    const env = { ...environment(), TMPDIR: temporary };
    return new Started(spawn(program, rest, { cwd, env, stdio: 'pipe' }), [cwd, temporary]);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** All of stdout so far, without what steers a terminal. */
  get output(): string {
    return stripVTControlCharacters(this.#output);
  }

  /** The same as lines: where the cursor is moved, another one begins. */
  get lines(): readonly string[] {
    return stripVTControlCharacters(this.#output.replaceAll(CURSOR_MOVES, '\n')).split(/[\r\n]+/);
  }

  /** All of stderr so far. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves when the `ready` line is there. */
  ready(): Promise<Ready> {
    return eventually(
      () => {
        const [, nats = '', redis = '', managers = ''] = READY.exec(this.output) ?? [];
        if (nats !== '') return { nats, redis, managers: Number(managers) };
        throw new Error(`not ready: ${this.output}${this.#errors}`);
      },
      { withinMs: READY_WITHIN_MS },
    );
  }

  /** Resolves when stdout matches, with the match. */
  prints(pattern: RegExp, withinMs = 10_000): Promise<RegExpExecArray> {
    return eventually(
      () => {
        const match = pattern.exec(this.output);
        if (match) return match;
        throw new Error(`${pattern} not in: ${this.output.slice(-2000)}${this.#errors}`);
      },
      { withinMs },
    );
  }

  /** Resolves with the exit code, or the signal, when it has ended and all that it wrote was read. */
  async ended(withinMs = END_WITHIN_MS): Promise<number | string> {
    const { promise, resolve, reject } = Promise.withResolvers<number | string>();
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) resolve(signalCode ?? exitCode ?? '');
    this.process.once('close', (code, signal) => resolve(signal ?? code ?? ''));
    const timer = setTimeout(
      () => reject(new Error(`still runs after ${withinMs} ms: ${this.#errors}`)),
      withinMs,
    );
    return await promise.finally(() => clearTimeout(timer));
  }

  /** Sends the signal and resolves as {@link ended}. */
  async endBy(signal: NodeJS.Signals, withinMs?: number): Promise<number | string> {
    this.process.kill(signal);
    return await this.ended(withinMs);
  }

  /** What it left where it should leave nothing. */
  async leftElsewhere(): Promise<string[]> {
    return (await Promise.all(this.elsewhere.map((folder) => readdir(folder)))).flat();
  }

  /** The folders of this run, where it was not given one by name. */
  async dataFolders(): Promise<string[]> {
    const names = await readdir(DATA_FOLDERS).catch(() => []);
    const own = names.filter((name) => name.startsWith(`${this.pid}-`));
    return own.map((name) => join(DATA_FOLDERS, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended();
    const leftovers = [...this.elsewhere, ...(await this.dataFolders())];
    for (const folder of leftovers) await rm(folder, { recursive: true, force: true });
  }
}

/** The command that runs `start.ts` from source. */
export function startCommand(args: readonly string[]): string[] {
  return [process.execPath, '--conditions=@mgm/source', START, ...args];
}

/** The environment of this run, with its servers and without other settings of managers. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(MGM_|NO_COLOR|FORCE_COLOR|NODE_)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...COMPILED, ...serverSettings() };
}

function serverSettings(): Record<string, string> {
  const { source, nats, redis } = inject('servers');
  return {
    ...(source === 'urls' ? {} : { MGM_SERVERS: source }),
    ...(nats.kind === 'given' && { MGM_NATS_URL: nats.url }),
    ...(redis.kind === 'given' && { MGM_REDIS_URL: redis.url }),
  };
}

/** A folder of its own, below the usual place for temporary files. */
export function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'mgm-demo-test-'));
}
