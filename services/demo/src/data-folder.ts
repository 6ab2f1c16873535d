import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { claimFolder, unclaimFolder } from './folder-lock.ts';

/** The only folder that a run writes to. */
export interface DataFolder {
  readonly path: string;
  readonly logs: string;
  /** What Redis stores. */
  readonly redis: string;
  /** For what servers and libraries want to put where temporary files go. */
  readonly temporary: string;
  /** Whether a later run is to go on from what this one leaves. */
  readonly isKept: boolean;
  /** Leaves the logs of a folder that would be removed, because somebody will want to read them. */
  keepLogs(): void;
  /** Removes what is temporary: all of it, unless it was asked for by name or {@link keepLogs} was called. */
  close(): Promise<void>;
}

/** The folder can't be used; the message says why and what to do. */
class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/**
 * Opens the folder asked for, or makes one below `parent` that is removed at the end.
 *
 * @throws `DataFolderError` when a run that is alive uses it, or it can't be written to
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
  // A process that was killed may leave a file while the folder is walked.
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}
