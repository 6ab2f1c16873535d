import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '@mgm/manager';
import { TestProcess } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';

const MAIN = new URL('../src/main.ts', import.meta.url);
const SERVERS = { MGM_NATS_URL: 'nats://127.0.0.1:4222', MGM_REDIS_URL: 'redis://127.0.0.1:6379' };

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using program = TestProcess.node(MAIN, args, { env });
  return await program.ended();
}

describe('the program of the manager', () => {
  it('prints its help and its version', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('--check-config');
    const expected = { code: 0, stdout: `mgm-manager ${VERSION}\n` };
    expect(await run(['--version'])).toMatchObject(expected);
  });

  it('refuses an unknown argument', async () => {
    const { code, stdout, stderr } = await run(['--port', '1'], SERVERS);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain("Unknown option '--port'");
    expect(stderr).toContain('mgm-manager --help');
  });

  it('checks a configuration and connects to nothing', async () => {
    const valid = await run(['--check-config'], SERVERS);
    expect(valid).toMatchObject({ code: 0, stdout: 'the configuration is valid\n' });
    const wrong = await run(['--check-config'], { ...SERVERS, MGM_BATCH_MAX: '0' });
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('MGM_BATCH_MAX=0: must be 1 to 1024');
  });

  it('checks the files that the configuration names', async () => {
    const missing = { ...SERVERS, MGM_NATS_CREDS_FILE: '/nowhere/mgm.creds' };
    const noFile = await run(['--check-config'], missing);
    expect(noFile.code).toBe(2);
    expect(noFile.stderr).toContain('MGM_NATS_CREDS_FILE');
    const dir = await mkdtemp(join(tmpdir(), 'mgm-policy-'));
    try {
      const file = join(dir, 'policy.yaml');
      await writeFile(file, 'no: policy\n');
      const env = { ...SERVERS, MGM_IDENTITY: 'subject', MGM_POLICY_FILE: file };
      const noPolicy = await run(['--check-config'], env);
      expect(noPolicy.code).toBe(2);
      expect(noPolicy.stderr).toContain('policy.yaml');
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
