import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { gone, isRunning, spawnBound } from './child-process.ts';
import { DevstackError } from '../errors.ts';
import { freePort } from './free-port.ts';
import type { ServerRequest } from '../server-kinds.ts';
import { ServerOutput } from './server-output.ts';
import type { RunningServer } from '../servers.ts';

const READY_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 3_000;
const PORT_TRIES = 5;

/** Starts a server as a process on 127.0.0.1 and resolves when it accepts connections. */
export async function startProcessServer(
  command: string,
  request: ServerRequest,
): Promise<RunningServer> {
  const dir = await dataDirOf(request);
  for (let tries = 1; ; tries++) {
    const server = new ProcessServer(command, request, dir, request.port ?? (await freePort()));
    try {
      await server.start();
      return server;
    } catch (error) {
      // Another process may have taken the port in the meantime: try another one, unless the caller chose it.
      const again = request.port === undefined && tries < PORT_TRIES;
      if (again && server.lostItsPort()) continue;
      await server.stop();
      throw error;
    }
  }
}

async function dataDirOf({ kind, dataDir }: ServerRequest): Promise<string> {
  if (dataDir === undefined) return mkdtemp(join(tmpdir(), `mgm-${kind.name}-`));
  await mkdir(dataDir, { recursive: true });
  return resolve(dataDir);
}

class ProcessServer implements RunningServer {
  readonly source = 'process';
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #command: string;
  readonly #request: ServerRequest;
  readonly #dir: string;
  readonly #output = new ServerOutput();
  #child: ChildProcess | undefined;

  constructor(command: string, request: ServerRequest, dir: string, port: number) {
    this.#command = command;
    this.#request = request;
    this.#dir = dir;
    this.port = port;
  }

  get url(): string {
    return `${this.#request.kind.scheme}://${this.host}:${this.port}`;
  }

  get peer(): { host: string; port: number } {
    return { host: this.host, port: this.port };
  }

  get pid(): number | undefined {
    return isRunning(this.#child) ? this.#child.pid : undefined;
  }

  async start(): Promise<void> {
    if (isRunning(this.#child)) return;
    const { kind, args } = this.#request;
    const child = spawnBound({
      command: this.#command,
      args: [...kind.processArgs({ port: this.port, dir: this.#dir }), ...args],
      dir: this.#dir,
      onOrphaned: 'KILL',
    });
    this.#child = child;
    const ready = this.#ready(child);
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#output.add(chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => this.#output.add(chunk));
    await ready;
  }

  async kill(): Promise<void> {
    if (!isRunning(this.#child)) return;
    this.#child.kill('SIGKILL');
    await gone(this.#child);
  }

  async pause(): Promise<void> {
    this.#running('pause').kill('SIGSTOP');
  }

  async resume(): Promise<void> {
    this.#running('resume').kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (isRunning(this.#child)) await endPolitely(this.#child);
    if (this.#request.dataDir === undefined) await rm(this.#dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async logs(): Promise<string> {
    return this.#output.text;
  }

  /** Whether the last start failed because the port was taken. */
  lostItsPort(): boolean {
    return this.#request.kind.portTakenLine.test(this.#output.tail());
  }

  /** Rejects if the process ends or does not become ready in time; then it is killed. */
  #ready(child: ChildProcess): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const unwatch = this.#output.onceMatching(this.#request.kind.readyLine, resolve);
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(this.#startFailed(`was not ready within ${READY_WITHIN_MS / 1000} s`));
    }, READY_WITHIN_MS);
    child.once('error', (cause) => reject(this.#startFailed(cause.message, cause)));
    // 'close', not 'exit': by then all output has been read.
    child.once('close', (code, signal) => reject(this.#startFailed(`ended (${signal ?? code})`)));
    return promise.finally(() => {
      clearTimeout(timer);
      unwatch();
    });
  }

  #startFailed(what: string, cause?: Error): DevstackError {
    const program = basename(this.#command);
    const why = this.lostItsPort() ? 'did not start: the port is taken' : what;
    const message = `${program} on port ${this.port} ${why}\n${this.#output.tail()}`.trim();
    return new DevstackError('start-failed', message, { cause });
  }

  #running(verb: string): ChildProcess {
    if (isRunning(this.#child)) return this.#child;
    throw new Error(`cannot ${verb} ${this.url}: it does not run`);
  }
}

async function endPolitely(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  // A stopped process handles SIGTERM only after SIGCONT.
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone(child);
  clearTimeout(timer);
}
