import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startServers, TestProcess } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START = 'npm start';
const TEST = 'npm test';
const MANAGER =
  'MGM_NATS_URL=nats://127.0.0.1:4222 MGM_REDIS_URL=redis://127.0.0.1:6379 npm run manager';

function commandsIn(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');
  return blocks.flatMap((block) => block.trim().split('\n'));
}

/** Runs a command line as a person does, with nothing in its environment but `PATH` and `HOME`. Signals reach npm itself. */
function runs(line: string): TestProcess {
  const { HOME = ROOT } = process.env;
  return TestProcess.command(['sh', '-c', `exec env ${line}`], { cwd: ROOT, env: { HOME } });
}

describe('the commands of README.md', () => {
  it('are those run here', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(commandsIn(readme)).toEqual([START, TEST, MANAGER]);
  });

  it('start everything and stop it on Ctrl-C', async () => {
    await using started = runs(START);
    const [ready] = await started.prints(/^ready .*$/m, 60_000);
    expect(ready).toMatch(/^ready nats=nats:\S+ redis=redis:\S+ managers=2$/);
    started.signal('SIGINT');
    expect(await started.ended(30_000)).toMatchObject({ code: 0 });
  });

  it('run checks and tests, and end with their sum', async () => {
    await using testing = runs(`${TEST} -- --only shell`);
    const { code, stdout } = await testing.ended(60_000);
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^\d+ passed, 0 failed, 0 skipped$/);
    expect(code).toBe(0);
  });

  it('start a manager on servers that run', async () => {
    await using servers = await startServers();
    const line = MANAGER.replace(/nats:\S+/, servers.nats.url).replace(
      /redis:\S+/,
      servers.redis.url,
    );
    await using manager = runs(line);
    await manager.prints(/"msg":"ready"/, 60_000);
    manager.signal('SIGTERM');
    expect(await manager.ended()).toMatchObject({ code: 0 });
  });
});
