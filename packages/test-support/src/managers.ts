import { join } from 'node:path';
import { ROOT, TestProcess } from './test-process.ts';

const MAIN = 'services/manager/src/main.ts';
const READY = /"msg":"ready"/;
const READY_WITHIN_MS = 60_000;

/** Where a manager finds its servers. */
export interface ManagerServers {
  readonly redis: { readonly url: string };
  readonly nats: { readonly url: string };
}

/** Settings of a manager by their names in the environment. */
export type ManagerEnv = Readonly<Record<string, string>>;

/** A manager in a process of its own, as in a deployment. Disposing stops it. */
export interface ManagerProcess extends AsyncDisposable {
  readonly pid: number;
  /** The last part of its log and of its error output. */
  output(): string;
  /** Stops the process: it stays connected and replies to nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Asks it to end, as an orchestrator does, and waits until it has ended. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

/** Managers on one pair of servers. Disposing stops all of them. */
export interface Managers extends AsyncDisposable {
  readonly running: readonly ManagerProcess[];
  /** Starts this many more and resolves when all of them serve. */
  add(count: number): Promise<void>;
  /** Kills all of them. */
  killAll(): Promise<void>;
}

/** The variables that lead a manager to these servers. */
export function managerEnv({ nats, redis }: ManagerServers, env: ManagerEnv = {}): ManagerEnv {
  return { MGM_NATS_URL: nats.url, MGM_REDIS_URL: redis.url, ...env };
}

/** Starts a manager program with these variables, from the sources at `root`, and does not wait until it serves. */
export function spawnManager(env: ManagerEnv, root: string = ROOT): TestProcess {
  const nodeArgs = ['--disable-warning=ExperimentalWarning'];
  return TestProcess.node(join(root, MAIN), [], { cwd: root, env, nodeArgs });
}

/** Starts one manager and resolves when it serves. `root`: where other sources of a manager are. */
export async function startManager(
  servers: ManagerServers,
  env: ManagerEnv = {},
  root?: string,
): Promise<ManagerProcess> {
  const started = spawnManager(managerEnv(servers, env), root);
  try {
    await started.prints(READY, READY_WITHIN_MS);
  } catch (cause) {
    await started.kill();
    throw new Error('the manager did not become ready', { cause });
  }
  return {
    pid: started.pid,
    output: () => started.output,
    pause: () => started.pause(),
    resume: () => started.resume(),
    stop: () => started.stop(),
    kill: () => started.kill(),
    [Symbol.asyncDispose]: () => started.stop(),
  };
}

/** Starts `count` managers, and can add more later. */
export async function startManagers(
  count: number,
  servers: ManagerServers,
  env: ManagerEnv = {},
): Promise<Managers> {
  const running: ManagerProcess[] = [];
  const add = async (more: number): Promise<void> => {
    const starting = Array.from({ length: more }, () => startManager(servers, env));
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
