import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fromRoot } from './rendered.ts';

const run = promisify(execFile);
const UNIT = fromRoot('deploy/systemd/mgm-manager.service');

async function hasSystemd(): Promise<boolean> {
  return run('systemd-analyze', ['--version']).then(
    () => true,
    () => false,
  );
}

it('has a unit that systemd accepts without a warning', async (context) => {
  context.skip(!(await hasSystemd()), 'needs systemd-analyze');
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', UNIT]);
  expect(stdout + stderr).toBe('');
});

it('finds a misspelt setting with the same check', async (context) => {
  context.skip(!(await hasSystemd()), 'needs systemd-analyze');
  const dir = await mkdtemp(join(tmpdir(), 'mgm-unit-'));
  const file = join(dir, 'mgm-manager.service');
  await writeFile(file, readFileSync(UNIT, 'utf8').replace('RestartSec=', 'RestartSeconds='));
  const { stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
  await rm(dir, { recursive: true });
  expect(stderr).toContain('RestartSeconds');
});
