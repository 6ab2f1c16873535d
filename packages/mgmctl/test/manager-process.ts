import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 5_000;

/** Where its servers are. */
export interface ServerUrls {
  readonly nats: string;
  readonly redis: string;
}

/** A manager in a process of its own, as in a deployment. */
export type ManagerProcess = AsyncDisposable;

/** Starts a manager on these servers and resolves when it serves. */
export async function startManagerProcess(urls: ServerUrls): Promise<ManagerProcess> {
  const child = spawn(
    process.execPath,
    ['--conditions=@mgm/source', 'services/manager/src/main.ts'],
    {
      cwd: ROOT,
      env: { MGM_NATS_URL: urls.nats, MGM_REDIS_URL: urls.redis },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    await untilReady(child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { [Symbol.asyncDispose]: () => stop(child) };
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
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(timer);
}
