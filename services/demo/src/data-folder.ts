import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** The only folder that a run writes to. */
export interface DataFolder {
  readonly path: string;
  readonly logs: string;
  /** The data of Redis. */
  readonly redis: string;
  /** Temporary files of servers and libraries. */
  readonly temporary: string;
  /** Whether the folder is kept for a later run. */
  readonly isKept: boolean;
  /** Keeps the logs of a folder that would be removed. */
  keepLogs(): void;
  /** Removes temporary files; the whole folder unless it was named or {@link keepLogs} was called. */
  close(): Promise<void>;
}

/** The folder cannot be used; the message says why and what to do. */
class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/**
 * Opens the named folder, or creates one below `parent` that is removed at the end.
 *
 * @throws `DataFolderError` if another run uses it, or it cannot be written to
 */
export async function openDataFolder(
  asked: string | undefined,
  parent: string,
): Promise<DataFolder> {
  try {
    const path = await folderFor(asked, parent);
    const holder = await claimFolder(path);
    if (holder === undefined) return await furnish(path, asked !== undefined);
    throw new DataFolderError(
      `${path} is in use by process ${holder}: stop that first, or name another folder with --data`,
    );
  } catch (cause) {
    if (cause instanceof DataFolderError || !(cause instanceof Error)) throw cause;
    const message = `no data can be stored: ${cause.message}; --data names another folder`;
    throw new DataFolderError(message, { cause });
  }
}

async function folderFor(asked: string | undefined, parent: string): Promise<string> {
  const path = resolve(asked ?? parent);
  await mkdir(path, { recursive: true });
  return asked === undefined ? await mkdtemp(join(path, `${process.pid}-`)) : path;
}

async function furnish(path: string, isKept: boolean): Promise<DataFolder> {
  const folders = {
    logs: join(path, 'logs'),
    redis: join(path, 'redis'),
    temporary: join(path, 'tmp'),
  };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  let keepsLogs = isKept;
  return {
    path,
    ...folders,
    isKept,
    keepLogs: () => {
      keepsLogs = true;
    },
    close: async () => {
      if (!keepsLogs) return await remove(path);
      await remove(folders.temporary);
      if (!isKept) await remove(folders.redis);
      await unclaimFolder(path);
    },
  };
}

async function remove(path: string): Promise<void> {
  // A killed process may write a file during the removal.
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

/** The file with the id of the process that uses the folder. */
const LOCK_FILE = 'start.pid';

const TRIES = 5;

/**
 * Claims a folder for this process, so that two Redis servers never write to the same files. A claim of a process that has ended
 * is void. Resolves to the id of the process that has the folder, or to `undefined` if this process got it.
 */
async function claimFolder(folder: string): Promise<string | undefined> {
  const file = join(folder, LOCK_FILE);
  let holder = '';
  for (let tries = 0; tries < TRIES; tries++) {
    if (await created(file)) return undefined;
    holder = await textOf(file);
    if (isAlive(Number(holder))) return holder;
    await removeIfStill(file, holder);
  }
  return holder;
}

/** Removes the claim. */
async function unclaimFolder(folder: string): Promise<void> {
  await rm(join(folder, LOCK_FILE), { force: true });
}

async function created(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Two processes may find the same claim void concurrently, and the second one would remove the new claim of the first. So it
 * renames the file, reads it again, and renames it back if it is a new claim.
 */
async function removeIfStill(file: string, text: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await textOf(aside)) === text) await rm(aside, { force: true });
  else await rename(aside, file);
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // The process of another user exists.
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

const LOOK_EVERY_MS = 30_000;
const LOG_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Limits the size of logs: a log larger than 16 MiB is copied to `<name>.old`, which is overwritten, and truncated. Returns a
 * function that stops this.
 */
export function limitLogs(folder: string, maxBytes = LOG_BYTES_MAX): () => void {
  const timer = setInterval(() => {
    // A failure is harmless: the next time may succeed.
    limitOnce(folder, maxBytes).catch(() => {});
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Checks once. Programs continue at the new end, since they append to the file. */
export async function limitOnce(folder: string, maxBytes: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (!name.endsWith('.log') || (await stat(file)).size <= maxBytes) continue;
    await copyFile(file, `${file}.old`);
    await truncate(file);
  }
}
