import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMPILED, type ManagerServers } from '@mgm/test-support';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = 'services/manager/src/main.ts';
/** Ends what it starts as soon as its parent is gone, also when that was killed (Linux). */
const SETPRIV = '/usr/bin/setpriv';
const READY = /"msg":"ready"/;
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 5_000;
/** What is kept of a manager's output: its start and the last words that explain an end. */
const KEPT_CHARS = 64 * 1024;

/** Settings of a manager by their names in the environment. */
export type ManagerEnv = Readonly<Record<string, string>>;

/** A running manager process. */
export interface Manager {
  readonly pid: number;
  /** The last part of what it wrote. */
  output(): string;
  /** Asks it to end, as an orchestrator does, and resolves when it is gone; kills it when it takes too long. */
  stop(): Promise<void>;
  /** Ends it as a crash would and resolves when it is gone. */
  kill(): Promise<void>;
}

/** Managers on one pair of servers; disposing stops all. */
export interface Managers extends AsyncDisposable {
  readonly running: readonly Manager[];
  /** Starts so many more and resolves when all of them serve. */
  add(count: number): Promise<void>;
  /** Kills all of them at once. */
  killAll(): Promise<void>;
}

/**
 * Starts `count` managers as processes of their own, with nothing in their environment but what stands here, from these
 * sources or from those at another root.
 */
export async function startManagers(
  count: number,
  servers: ManagerServers,
  env: ManagerEnv = {},
  root: string = ROOT,
): Promise<Managers> {
  const running: Manager[] = [];
  const urls = { MGM_NATS_URL: servers.nats.url, MGM_REDIS_URL: servers.redis.url };
  const add = async (more: number): Promise<void> => {
    const started = Array.from({ length: more }, () => startManager({ ...urls, ...env }, root));
    running.push(...(await allOrNone(started)));
  };
  const end = async (how: 'stop' | 'kill'): Promise<void> => {
    await Promise.all(running.splice(0).map((manager) => manager[how]()));
  };
  await add(count);
  return {
    running,
    add,
    killAll: () => end('kill'),
    [Symbol.asyncDispose]: () => end('stop'),
  };
}

async function allOrNone(starting: readonly Promise<Manager>[]): Promise<Manager[]> {
  const settled = await Promise.allSettled(starting);
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (!failed) return started;
  await Promise.all(started.map((manager) => manager.kill()));
  throw failed.reason;
}

async function startManager(env: ManagerEnv, root: string): Promise<Manager> {
  const child = spawnManager(env, root);
  let output = '';
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const read = (chunk: string): void => {
    output = (output + chunk).slice(-KEPT_CHARS);
    if (READY.test(output)) resolve();
  };
  child.stdout?.setEncoding('utf8').on('data', read);
  child.stderr?.setEncoding('utf8').on('data', read);
  child.once('error', reject);
  child.once('close', (code, signal) =>
    reject(new Error(`manager ended (${signal ?? code})\n${output}`)),
  );
  const timer = setTimeout(() => {
    reject(new Error(`manager not ready within ${READY_WITHIN_MS} ms\n${output}`));
  }, READY_WITHIN_MS);
  const manager: Manager = {
    pid: child.pid ?? 0,
    output: () => output,
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
  return ready
    .then(() => manager)
    .catch(async (error: unknown) => {
      await manager.kill();
      throw error;
    })
    .finally(() => clearTimeout(timer));
}

function spawnManager(env: ManagerEnv, cwd: string): ChildProcess {
  const node = [
    process.execPath,
    '--conditions=@mgm/source',
    '--disable-warning=ExperimentalWarning',
    MAIN,
  ];
  const [command = '', ...args] = existsSync(SETPRIV)
    ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...node]
    : node;
  return spawn(command, args, {
    cwd,
    env: { ...COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  // A stopped process takes SIGTERM only when it goes on.
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}
