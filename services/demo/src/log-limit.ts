import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

const LOOK_EVERY_MS = 30_000;
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Keeps logs from growing without end: one that is larger than 16 MiB is moved to `<name>.old`, over the one before, and
 * begins anew. Returns what ends that.
 */
export function limitLogs(folder: string, maxBytes = LOG_BYTES_MAX): () => void {
  const timer = setInterval(() => {
    // What can't be shortened now may be next time, and nothing depends on it.
    limitOnce(folder, maxBytes).catch(() => {});
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Looks once. Programs go on writing at the new end, since they add to the file. */
export async function limitOnce(folder: string, maxBytes: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (!name.endsWith('.log') || (await stat(file)).size <= maxBytes) continue;
    await copyFile(file, `${file}.old`);
    await truncate(file);
  }
}
