import { join } from 'node:path';
import { startProgram, type Program } from '@mgm/devstack';
import { endingWithParent, nodeCommand, ROOT, TestProcess } from './test-process.ts';

const MAIN = 'services/manager/src/main.ts';
const NODE_ARGS = ['--disable-warning=ExperimentalWarning'];

/** Where a manager finds its servers. */
export interface ManagerServers {
  readonly redis: { readonly url: string };
  readonly nats: { readonly url: string };
}

/** Settings of a manager by their names in the environment. */
export type ManagerEnv = Readonly<Record<string, string>>;

/** A manager in a process of its own, as in a deployment. Disposing stops it. */
export type ManagerProcess = Program;

/** How a manager process is started. */
export interface ManagerOptions {
  /** A file that gets its output. Default: the output is kept in memory. */
  readonly logFile?: string;
  /** Where other sources of a manager are. Default: this repository. */
  readonly root?: string | undefined;
  /** More arguments of Node. */
  readonly nodeArgs?: readonly string[];
}

/**
 * The variables that lead a manager to these servers, with the longest store timeout: on a busy machine a request is slow and not
 * refused as `unavailable` or `indeterminate`.
 */
export function managerEnv({ nats, redis }: ManagerServers, env: ManagerEnv = {}): ManagerEnv {
  return {
    ...{ MGM_NATS_URL: nats.url, MGM_REDIS_URL: redis.url, MGM_STORE_TIMEOUT_MS: '2000' },
    ...env,
  };
}

/** Starts a manager program with these variables and does not wait until it serves. */
export function spawnManager(env: ManagerEnv): TestProcess {
  return TestProcess.command(endingWithParent(nodeCommand(join(ROOT, MAIN), [], NODE_ARGS)), {
    cwd: ROOT,
    env,
  });
}

/** Starts one manager and resolves when it serves. */
export async function startManager(
  servers: ManagerServers,
  env: ManagerEnv = {},
  { root = ROOT, logFile, nodeArgs = [] }: ManagerOptions = {},
): Promise<ManagerProcess> {
  return await startProgram({
    name: 'the manager',
    command: nodeCommand(join(root, MAIN), [], [...NODE_ARGS, ...nodeArgs]),
    env: managerEnv(servers, env),
    ready: '"msg":"ready"',
    dir: root,
    logFile,
  });
}

/** Managers on one pair of servers. Disposing stops all of them. */
export interface Managers extends AsyncDisposable {
  readonly running: readonly ManagerProcess[];
  /** Starts this many more and resolves when all of them serve. */
  add(count: number): Promise<void>;
  /** Kills all of them. */
  killAll(): Promise<void>;
}

/** Starts `count` managers, and can add more later. If one does not become ready, the others started with it are ended. */
export async function startManagers(
  count: number,
  servers: ManagerServers,
  env: ManagerEnv = {},
  options: ManagerOptions = {},
): Promise<Managers> {
  const running: ManagerProcess[] = [];
  const add = async (more: number): Promise<void> => {
    const starting = Array.from({ length: more }, () => startManager(servers, env, options));
    running.push(...(await allOrNone(starting)));
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

async function allOrNone(starting: readonly Promise<ManagerProcess>[]): Promise<ManagerProcess[]> {
  const settled = await Promise.allSettled(starting);
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (!failed) return started;
  await Promise.all(started.map((manager) => manager.kill()));
  throw failed.reason;
}
