import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { addAbortListener } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithChildren, spawnBound } from '../process/child-process.ts';
import type { WorkOptions } from '../servers.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/fetch-servers.sh', import.meta.url));
const FETCH_WITHIN_MS = 5 * 60_000;

/** The folder of the servers, or why they could not be fetched. */
export type CacheResult =
  | { readonly kind: 'ready'; readonly binDir: string }
  | { readonly kind: 'unavailable'; readonly why: string };

/** Whether this machine runs Debian, Ubuntu or a derivative. */
export async function isDebianLike(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

/**
 * Makes the distribution's redis-server and nats-server available in `cacheDir`, and fetches them if they are missing
 * (5 s, 40 MB). Needs no root and installs nothing. Processes may share the folder concurrently.
 *
 * @throws the signal's reason if it aborted; no partial result is left
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
  const why = output.at(-1) ?? `${SCRIPT} ended with ${code}`;
  return { kind: 'unavailable', why: `the distribution's packages could not be fetched: ${why}` };
}

async function runScript(
  dir: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<number | string> {
  const { promise, resolve: end } = Promise.withResolvers<number | string>();
  const child = spawnBound({ command: 'bash', args: [SCRIPT, dir], dir: '/', onOrphaned: 'TERM' });
  using _ = addAbortListener(signal, () => endWithChildren(child));
  if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', onLine);
  child.stdout?.resume();
  child.once('error', (error) => end(error.message));
  child.once('close', (code, name) => end(name ?? code ?? 'unknown'));
  return await promise;
}
