import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const END_WITHIN_MS = 60_000;

/** Runs a command from a folder below the root; only programs of this machine are in its PATH. */
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

describe('mgmctl in a checkout, with the Node of the machine', () => {
  it('runs the sources by npx', { timeout: END_WITHIN_MS }, async () => {
    const { code, stdout } = await fromDocs('npx', '--no-install', 'mgmctl', 'owner', '--help');
    expect(stdout).toContain('Usage: mgmctl owner [options] <if> [nextHop]');
    expect(code).toBe(0);
  });

  it(
    'runs them by the linked program, with the exit code of the command',
    { timeout: END_WITHIN_MS },
    async () => {
      const program = `${ROOT}/node_modules/.bin/mgmctl`;
      const { code, stdout, stderr } = await fromDocs(program, 'owner', '7');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^mgmctl: no router: name it with --router or in MGM_ROUTER; /);
    },
  );
});
