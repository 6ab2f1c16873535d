import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name of the file that says which process uses a folder. */
const LOCK_FILE = 'start.pid';

const TRIES = 5;

/**
 * Claims a folder for this process, so that no two Redis write to the same files. A claim whose process is gone is void.
 * Answers with the process that has it, or nothing when it is now ours.
 */
export async function claimFolder(folder: string): Promise<string | undefined> {
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

/** Gives the folder back. */
export async function unclaimFolder(folder: string): Promise<void> {
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
 * Two may find the same claim void at once, and the second would remove what the first has claimed since. So it is moved
 * aside, looked at again, and put back if it is another one.
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
    // Of another user, and so alive.
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
