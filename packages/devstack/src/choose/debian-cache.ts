import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript } from '../process/script.ts';
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
  { onProgress, signal }: WorkOptions,
): Promise<CacheResult> {
  const dir = resolve(cacheDir);
  try {
    await runScript({ path: SCRIPT, args: [dir], withinMs: FETCH_WITHIN_MS, signal, onProgress });
    return { kind: 'ready', binDir: join(dir, 'bin') };
  } catch (error) {
    signal?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'unavailable', why: `the distribution's packages could not be fetched: ${why}` };
  }
}
