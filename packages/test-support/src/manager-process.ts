import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { COMPILED } from './compiled.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 5_000;

/** Where a manager finds its servers: those of `startServers`, or with other URLs. */
export interface ManagerServers {
  readonly redis: { readonly url: string };
  readonly nats: { readonly url: string };
}

/** A manager in a process of its own, as in a deployment: what blocks a client does not block it. */
export interface ManagerProcess extends AsyncDisposable {
  /** Stops its clock: it stays connected and answers nothing until it is resumed. */
  pause(): void;
  resume(): void;
}

/** Starts a manager on these servers, with more settings if need be, and resolves when it serves. */
export async function startManagerProcess(
  servers: ManagerServers,
  env: Readonly<Record<string, string>> = {},
): Promise<ManagerProcess> {
  const child = spawn(
    process.execPath,
    ['--conditions=@mgm/source', 'services/manager/src/main.ts'],
    {
      cwd: ROOT,
      env: {
        ...COMPILED,
        MGM_NATS_URL: servers.nats.url,
        MGM_REDIS_URL: servers.redis.url,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    await untilReady(child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function untilReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output = (output + chunk).slice(-65_536);
    if (output.includes('"msg":"ready"')) resolve();
  });
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`the manager ended (${code})\n${output}`)));
  const timer = setTimeout(
    () => reject(new Error(`the manager is not ready after ${READY_WITHIN_MS} ms\n${output}`)),
    READY_WITHIN_MS,
  );
  await promise.finally(() => clearTimeout(timer));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}
