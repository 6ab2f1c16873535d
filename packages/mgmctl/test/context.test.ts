import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from './program.ts';
import { mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

describe('mgmctl context', () => {
  it('keeps servers and routers under names, readable by the owner alone', async (ctx) => {
    const HOME = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(HOME, { recursive: true }));
    const env = { HOME };
    const mgmctl = (...args: string[]) => run(args, { env });
    await using router = await stage.router();
    await router.register(PIM, 'pim-1');
    const { url } = stage.servers.nats;
    const added = await mgmctl('context', 'add', 'lab', '--nats', url, '--router', router.name);
    expect(added).toEqual({
      code: 0,
      stdout: 'added context lab; mgmctl context use lab makes it the default\n',
      stderr: '',
    });
    await mgmctl('context', 'add', 'dead', '--nats', 'nats://user:secret@127.0.0.1:9');
    const file = await stat(join(HOME, '.config/mgmctl/contexts.json'));
    expect(file.mode & 0o777).toBe(0o600);
    expect(await mgmctl('--context', 'lab', 'sessions')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('PIM/1 pim-1'),
    });
    expect((await mgmctl('sessions')).stderr).toMatch(/^mgmctl: no router: /);
    expect(await mgmctl('context', 'use', 'lab')).toMatchObject({ code: 0 });
    expect((await mgmctl('sessions')).stdout).toContain('PIM/1 pim-1');
    const { stdout: listed } = await mgmctl('context', 'list', '--json');
    expect(objects(listed)).toEqual([
      { name: 'lab', isCurrent: true, nats: url, router: router.name },
      { name: 'dead', isCurrent: false, nats: 'nats://***@127.0.0.1:9' },
    ]);
    expect((await mgmctl('context', 'list')).stdout).toMatch(
      /^ +NAME +NATS +ROUTER +PREFIX\n\* +lab /,
    );
    expect(await mgmctl('context', 'remove', 'lab')).toMatchObject({ code: 0 });
    expect((await mgmctl('context', 'list')).stdout).not.toContain('lab');
  });

  it('lets options and the environment take precedence over the current context', async (ctx) => {
    const HOME = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(HOME, { recursive: true }));
    await using router = await stage.router();
    const { url } = stage.servers.nats;
    const dead = 'nats://127.0.0.1:9';
    await run(['context', 'add', 'dead', '--nats', dead, '--router', 'other'], { env: { HOME } });
    await run(['context', 'use', 'dead'], { env: { HOME } });
    const env = { HOME, MGM_NATS_URL: url, MGM_ROUTER: router.name };
    const fromEnv = await run(['sessions'], { env });
    expect(fromEnv.stderr).toBe(`no sessions on router ${router.name}\n`);
    const named = await run(['--context', 'dead', '--timeout', '500ms', 'sessions'], { env });
    expect(named.code).toBe(3);
    expect(named.stderr).toContain('check --nats nats://127.0.0.1:9 ');
    const given = ['--context', 'dead', '--nats', url, '--router', router.name, 'sessions'];
    expect(await run(given, { env: { HOME } })).toMatchObject({ code: 0 });
  });

  it('keeps paths of credentials, and uses them for its own servers only', async (ctx) => {
    const HOME = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(HOME, { recursive: true }));
    const env = { HOME };
    const { url } = stage.servers.nats;
    const nkey = join(HOME, 'operator.nk');
    const where = ['--nats', url, '--router', 'r1'];
    const login = ['--nkey', nkey, '--inbox-prefix', '_INBOX.noc'];
    await run(['context', 'add', 'lab', ...where, ...login], { env });
    const { stdout } = await run(['context', 'list', '--json'], { env });
    expect(objects(stdout)).toEqual([
      { name: 'lab', isCurrent: false, nats: url, router: 'r1', nkey, inboxPrefix: '_INBOX.noc' },
    ]);
    const missing = await run(['--context', 'lab', 'sessions'], { env });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toMatch(/^mgmctl: --nkey: .*operator\.nk cannot be read \(ENOENT\); /);
    const other = await run(['--context', 'lab', '--creds', '/missing.creds', 'sessions'], { env });
    expect(other.stderr).toMatch(/^mgmctl: --creds: \/missing\.creds cannot be read \(ENOENT\); /);
    expect(await run(['--context', 'lab', '--nats', url, 'sessions'], { env })).toMatchObject({
      code: 0,
    });
  });

  it('takes files of credentials from flags, then the environment, then the current context', async (ctx) => {
    const HOME = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(HOME, { recursive: true }));
    const { url } = stage.servers.nats;
    const kept = ['--nats', url, '--router', 'r1', '--creds', '/context.creds'];
    await run(['context', 'add', 'lab', ...kept], { env: { HOME } });
    const bare = { HOME, MGM_NATS_URL: url, MGM_ROUTER: 'r1' };
    const problem = async (env: object, ...args: string[]): Promise<string> => {
      const { code, stderr } = await run([...args, 'sessions'], { env: { HOME, ...env } });
      return `${code} ${stderr}`;
    };
    for (const [name, file] of [
      ['MGM_NATS_CREDS', '/env.creds'],
      ['MGM_NATS_NKEY_FILE', '/env.nk'],
      ['MGM_NATS_CA', '/env.pem'],
    ] as const) {
      expect(await problem({ ...bare, [name]: file })).toContain(
        `2 mgmctl: ${name}: ${file} cannot be read (ENOENT); `,
      );
    }
    expect(await problem({ ...bare, MGM_NATS_CERT: '/env.pem' })).toContain('--tls-key: a client');
    const env = { MGM_NATS_CREDS: '/env.creds' };
    expect(await problem({ ...bare, ...env }, '--creds', '/flag.creds')).toContain(
      '2 mgmctl: --creds: /flag.creds ',
    );
    expect(await problem({ ...bare, ...env }, '--nkey', '/flag.nk')).toContain(
      '2 mgmctl: --nkey: /flag.nk ',
    );
    expect(await problem(env, '--context', 'lab')).toContain('--creds: /context.creds ');
    await run(['context', 'use', 'lab'], { env: { HOME } });
    expect(await problem(env)).toContain('MGM_NATS_CREDS: /env.creds ');
    expect(await problem({ MGM_NATS_CREDS: '' })).toContain('--creds: /context.creds ');
  });

  it('does not use files of the environment for the servers of a named context', async (ctx) => {
    const HOME = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(HOME, { recursive: true }));
    const { url } = stage.servers.nats;
    await run(['context', 'add', 'lab', '--nats', url, '--router', 'r1'], { env: { HOME } });
    const env = { HOME, MGM_NATS_CREDS: '/env.creds' };
    expect(await run(['--context', 'lab', 'sessions'], { env })).toMatchObject({ code: 0 });
  });

  it('says what is wrong', async (ctx) => {
    const HOME = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(HOME, { recursive: true }));
    const env = { HOME };
    const unknown = await run(['--context', 'nope', 'sessions'], { env });
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toMatch(/^mgmctl: no context "nope": see mgmctl context list; /);
    const wrong = await run(['context', 'add', 'x', '--nats', 'http://x'], { env });
    expect(wrong.stderr).toMatch(/must be like nats:\/\/host:port/);
    expect((await run(['context', 'add', 'x'], { env })).stderr).toMatch(/nothing to keep/);
  });
});
