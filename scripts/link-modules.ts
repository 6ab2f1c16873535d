import { mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

/** The scope of this project's own packages. */
const OWN_SCOPE = '@mgm';

/** Links the installed packages into other sources, and their own packages. */
export async function linkModules(root: string): Promise<void> {
  const [here, there] = [join(ROOT, 'node_modules'), join(root, 'node_modules')];
  await mkdir(join(there, OWN_SCOPE), { recursive: true });
  for (const name of await readdir(here)) {
    if (name !== OWN_SCOPE) await symlink(join(here, name), join(there, name));
  }
  for (const name of await readdir(join(here, OWN_SCOPE))) {
    await symlink(await readlink(join(here, OWN_SCOPE, name)), join(there, OWN_SCOPE, name));
  }
}
