import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript } from '@mgm/devstack';
import type { Say } from './rounds.ts';

const FETCH = fileURLToPath(new URL('fetch-peers.sh', import.meta.url));
const FETCH_WITHIN_MS = 5 * 60_000;

const MEND = 'npm run bench -- --install gets it on Debian and Ubuntu';

/** The program of another system, or why it is missing. */
export type Program =
  | { readonly kind: 'there'; readonly command: string; readonly args: readonly string[] }
  | { readonly kind: 'absent'; readonly why: string };

/** Programs that are only used for comparison. */
export interface Peers {
  readonly etcd: Program;
  readonly zookeeper: Program;
}

/** Finds them in the folder of `--install`, or on the PATH. */
export function peersIn(cacheDir: string): Peers {
  return {
    etcd: program('etcd', cacheDir),
    zookeeper: zookeeper(cacheDir),
  };
}

/** Fetches them from the packages of this Debian or Ubuntu (5 s, 50 MB); installs nothing. Rejects with the output. */
export async function installPeers(cacheDir: string, say: Say): Promise<void> {
  await runScript({ path: FETCH, args: [cacheDir], withinMs: FETCH_WITHIN_MS, onProgress: say });
}

function program(name: string, cacheDir: string): Program {
  const folders = [join(cacheDir, 'bin'), ...(process.env['PATH'] ?? '').split(delimiter)];
  const command = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return command === undefined
    ? { kind: 'absent', why: `${name} is not on this machine: ${MEND}` }
    : { kind: 'there', command, args: [] };
}

/** Its classes are fetched; the machine must have Java. */
function zookeeper(cacheDir: string): Program {
  const folder = join(cacheDir, 'zookeeper');
  if (!existsSync(folder)) {
    return { kind: 'absent', why: `zookeeper is not on this machine: ${MEND}` };
  }
  const java = program('java', cacheDir);
  if (java.kind === 'absent') {
    return { kind: 'absent', why: 'zookeeper needs java: apt-get install default-jre-headless' };
  }
  const classes = readdirSync(folder).map((jar) => join(folder, jar));
  const args = ['-Xmx1g', '-Dzookeeper.admin.enableServer=false', '-cp', classes.join(delimiter)];
  return { ...java, args: [...args, 'org.apache.zookeeper.server.ZooKeeperServerMain'] };
}
