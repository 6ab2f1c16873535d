import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithChildren, spawnBound } from './child-process.ts';

const SCRIPT = fileURLToPath(new URL('../scripts/fetch-servers.sh', import.meta.url));
const FETCH_WITHIN_MS = 5 * 60_000;

/** Where the servers now are, or why they could not be fetched. */
export type CacheResult =
  | { readonly kind: 'ready'; readonly binDir: string }
  | { readonly kind: 'unavailable'; readonly why: string };

/** Whether this machine is a Debian or Ubuntu, or calls itself like one of them. */
export async function isDebianLike(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

/** How a long piece of work tells what it does, and is ended early. */
export interface WorkOptions {
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes the distribution's redis-server and nats-server available in `cacheDir`, fetching them when they are not there
 * yet (5 s, 40 MB). Needs no root and installs nothing. Any number of processes may ask for the same folder at once.
 *
 * @throws the signal's reason, when it was aborted; nothing is left half done
 */
export async function fillDebianCache(
  cacheDir: string,
  { onProgress = () => {}, signal }: WorkOptions,
): Promise<CacheResult> {
  const dir = resolve(cacheDir);
  const output: string[] = [];
  const limit = AbortSignal.timeout(FETCH_WITHIN_MS);
  const code = await runScript(dir, signal ? AbortSignal.any([signal, limit]) : limit, (line) => {
    output.push(line);
    onProgress(line);
  });
  signal?.throwIfAborted();
  if (code === 0) return { kind: 'ready', binDir: join(dir, 'bin') };
  const why = output.slice(-6).join('; ') || `${SCRIPT} ended with ${code}`;
  return { kind: 'unavailable', why: `the distribution's packages could not be fetched: ${why}` };
}

function runScript(
  dir: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<number | string> {
  const { promise, resolve: end } = Promise.withResolvers<number | string>();
  const child = spawnBound({ command: 'bash', args: [SCRIPT, dir], dir: '/', onOrphaned: 'TERM' });
  const stop = (): void => endWithChildren(child);
  signal.addEventListener('abort', stop);
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', onLine);
  child.stdout?.resume();
  child.once('error', (error) => end(error.message));
  child.once('close', (code, name) => end(name ?? code ?? 'unknown'));
  return promise.finally(() => signal.removeEventListener('abort', stop));
}
