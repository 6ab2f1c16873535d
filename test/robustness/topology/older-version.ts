import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { linkModules } from '@mgm/test-support';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CACHE = join(ROOT, '.cache/older');
const exec = promisify(execFile);

/**
 * The sources of an older commit in a folder of their own, from which its manager can be started: with its own packages and the
 * other packages as installed here. Rejects when the commit is missing, as in a shallow clone.
 */
export async function olderVersion(ref: string): Promise<string> {
  const { stdout } = await exec('git', ['rev-parse', '--verify', `${ref}^{commit}`], { cwd: ROOT });
  const commit = stdout.trim();
  const folder = join(CACHE, commit);
  if (await isThere(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'new-'));
  await exec('bash', ['-c', 'git archive "$1" | tar -x -C "$2"', 'bash', commit, work], {
    cwd: ROOT,
  });
  await linkModules(ROOT, work);
  await rename(work, folder);
  return folder;
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
