import { fileURLToPath } from 'node:url';
import { chooseServers, serversFromEnvironment } from '@mgm/devstack';
import type { TestProject } from 'vitest/node';

const CACHE = fileURLToPath(new URL('../.cache/servers', import.meta.url));

/** Chooses the source of the servers of all test files, prints it, and provides it as `inject('servers')`. */
export default async function provideServers(project: TestProject): Promise<void> {
  const choice = await chooseServers({
    ...serversFromEnvironment(process.env),
    prefer: 'docker',
    cacheDir: CACHE,
    onProgress: say,
  });
  say(choice.reason);
  project.provide('servers', choice);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
