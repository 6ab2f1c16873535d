import { fileURLToPath } from 'node:url';

/** What was built finds its siblings as they were built. */
const RUNS_SOURCES = import.meta.url.endsWith('.ts');

/** Arguments of Node for each program: how it finds the workspace's packages, and that it ends with its parent. */
export const NODE_ARGS: readonly string[] = [
  ...(RUNS_SOURCES ? ['--conditions=@mgm/source'] : []),
  `--import=${asRun(new URL('./end-with-parent.ts', import.meta.url)).href}`,
];

export const WORKER_PROGRAM = fileURLToPath(asRun(new URL('./worker.ts', import.meta.url)));

/** Where folders of runs go unless another one is named. */
export const DATA_FOLDERS = fileURLToPath(new URL('../../../.data', import.meta.url));
/** Where servers are kept that had to be fetched. */
export const SERVER_CACHE = fileURLToPath(new URL('../../../.cache/servers', import.meta.url));

/** The manager's own program; it stands beside the entry of its package. */
export function managerProgram(): string {
  return fileURLToPath(asRun(new URL('./main.ts', import.meta.resolve('@mgm/manager'))));
}

function asRun(source: URL): URL {
  return RUNS_SOURCES ? source : new URL(source.href.replace(/\.ts$/, '.js'));
}
