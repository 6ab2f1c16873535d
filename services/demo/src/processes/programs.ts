import { fileURLToPath } from 'node:url';

/** Compiled code runs compiled programs. */
const RUNS_SOURCES = import.meta.url.endsWith('.ts');

/** Arguments of Node for each program: it uses the sources of the workspace, and ends with its parent. */
export const NODE_ARGS: readonly string[] = [
  ...(RUNS_SOURCES ? ['--conditions=@mgm/source'] : []),
  `--import=${asRun(new URL('./end-with-parent.ts', import.meta.url)).href}`,
];

export const WORKER_PROGRAM = fileURLToPath(asRun(new URL('../worker/worker.ts', import.meta.url)));

/** The default parent of data folders. */
export const DATA_FOLDERS = fileURLToPath(new URL('../../../../.data', import.meta.url));
/** The folder of fetched servers. */
export const SERVER_CACHE = fileURLToPath(new URL('../../../../.cache/servers', import.meta.url));

/** The manager's program, next to the entry of its package. */
export function managerProgram(): string {
  return fileURLToPath(asRun(new URL('./main.ts', import.meta.resolve('@mgm/manager'))));
}

/** The console's program, next to the entry of its package. */
export function consoleProgram(): string {
  return fileURLToPath(asRun(new URL('./main.ts', import.meta.resolve('@mgm/console'))));
}

function asRun(source: URL): URL {
  return RUNS_SOURCES ? source : new URL(source.href.replace(/\.ts$/, '.js'));
}
