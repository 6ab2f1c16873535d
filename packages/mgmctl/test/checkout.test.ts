import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const END_WITHIN_MS = 60_000;

/** Runs a command from a folder below the root, with the programs of this machine alone on the way. */
async function fromDocs(command: string, ...args: readonly string[]) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const env = {
    ...process.env,
    PATH: folders.filter((folder) => !folder.includes('node_modules')).join(delimiter),
    MGM_ROUTER: '',
  };
  const { promise, resolve } = Promise.withResolvers<{
    code: unknown;
    stdout: string;
    stderr: string;
  }>();
  const options = { cwd: `${ROOT}/docs`, env, timeout: END_WITHIN_MS };
  execFile(command, args, options, (error, stdout, stderr) =>
    resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
  );
  return await promise;
}

describe('in a checkout, with whatever Node the machine has', () => {
  it('npx mgmctl runs the sources', { timeout: END_WITHIN_MS }, async () => {
    const { code, stdout } = await fromDocs('npx', '--no-install', 'mgmctl', 'owner', '--help');
    expect(stdout).toContain('Usage: mgmctl owner [options] <if> [nextHop]');
    expect(code).toBe(0);
  });

  it(
    'the linked program does, too, and ends as its command does',
    { timeout: END_WITHIN_MS },
    async () => {
      const program = `${ROOT}/node_modules/.bin/mgmctl`;
      const { code, stdout, stderr } = await fromDocs(program, 'owner', '7');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^mgmctl: no router: name it with --router or in MGM_ROUTER; /);
    },
  );
});
