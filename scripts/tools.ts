import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';
import { withLock } from './lock.mjs';
import { environment, ROOT } from './setup.mjs';

const FOLDER = join(ROOT, 'tools');
const INSTALLED = join(FOLDER, 'node_modules/.installed');
const INSTALL_WITHIN_MS = 5 * 60_000;

/**
 * Installs the packages of tools/package-lock.json, which are apart from those of the project: other versions of Node and of
 * TypeScript among them. Resolves to their folder; fast if they are installed. Needs the package registry the first time.
 *
 * @throws Error with the output of npm
 */
export async function installTools(): Promise<string> {
  const lock = readFileSync(join(FOLDER, 'package-lock.json'), 'utf8');
  const isInstalled = (): boolean =>
    existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === lock;
  if (!isInstalled()) {
    await withLock(
      join(ROOT, '.cache/tools.lock'),
      () => {},
      async () => {
        if (isInstalled()) return;
        const { code, output } = await run(
          'npm',
          ['ci', '--no-audit', '--no-fund', '--loglevel=error'],
          {
            cwd: FOLDER,
            env: environment(),
            output: 'collect',
            withinMs: INSTALL_WITHIN_MS,
          },
        );
        if (code !== 0) throw new Error(`npm ci in tools failed:\n${output}`);
        writeFileSync(INSTALLED, lock);
      },
    );
  }
  return join(FOLDER, 'node_modules');
}
