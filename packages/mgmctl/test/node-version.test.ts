import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Makes a Node report another version. */
function reporting(version: string): string {
  const code = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

describe('the published program', () => {
  it.each(['20.20.0', '22.17.1'])('refuses Node %s in one line', async (version) => {
    const folder = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    const program = join(folder, 'bin', 'mgmctl.mjs');
    await cp(new URL('../bin', import.meta.url), join(folder, 'bin'), { recursive: true });
    const args = ['--import', reporting(version), program, 'sessions'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    await rm(folder, { recursive: true });
    const shown = version.replace(/\.\d+$/, '');
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `mgmctl: needs Node 22.18 or newer, this is ${shown}\n`,
    });
  });
});
