import { mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** The scope of this project's own packages. */
const OWN_SCOPE = '@mgm';

/** Links the packages that are installed in a checkout into other sources of the project, and the packages of those sources. */
export async function linkModules(from: string, into: string): Promise<void> {
  const [here, there] = [join(from, 'node_modules'), join(into, 'node_modules')];
  await mkdir(join(there, OWN_SCOPE), { recursive: true });
  for (const name of await readdir(here)) {
    if (name !== OWN_SCOPE) await symlink(join(here, name), join(there, name));
  }
  for (const name of await readdir(join(here, OWN_SCOPE))) {
    await symlink(await readlink(join(here, OWN_SCOPE, name)), join(there, OWN_SCOPE, name));
  }
}
