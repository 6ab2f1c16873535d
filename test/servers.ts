import { fileURLToPath } from 'node:url';
import { chooseServers, serversFromEnvironment } from '@mgm/devstack';
import type { TestProject } from 'vitest/node';

const CACHE = fileURLToPath(new URL('../.cache/servers', import.meta.url));

/** Chooses where the servers of all test files come from, says so, and hands the choice to them as `inject('servers')`. */
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
