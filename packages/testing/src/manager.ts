import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Program } from '@mgm/devstack';

/** Settings of a manager by their names in the environment, `MGM_…`. */
export type ManagerEnv = Readonly<Record<string, string>>;

/** Log levels of a manager at which it does not log that it is ready. */
const QUIET_LEVELS: readonly (string | undefined)[] = ['warn', 'error', 'fatal', 'silent'];

/** A manager of the installed package `@mgm/manager` with these settings, not started yet. */
export function managerProgram(env: ManagerEnv): Program {
  if (QUIET_LEVELS.includes(env['MGM_LOG_LEVEL'])) {
    throw new Error('MGM_LOG_LEVEL: must be info or lower, for the line that says it is ready');
  }
  return new Program({
    name: 'the manager',
    command: [process.execPath, ...programOf(installedManager())],
    env,
    ready: '"msg":"ready"',
  });
}

/** The folder of the package `@mgm/manager`. */
function installedManager(): string {
  return dirname(createRequire(import.meta.url).resolve('@mgm/manager/package.json'));
}

/** In a checkout the sources run, as this module does; in an installed package the compiled program. */
function programOf(folder: string): string[] {
  if (!import.meta.url.endsWith('.ts')) return [join(folder, 'dist/main.js')];
  const nodeArgs = ['--conditions=@mgm/source', '--disable-warning=ExperimentalWarning'];
  return [...nodeArgs, join(folder, 'src/main.ts')];
}
