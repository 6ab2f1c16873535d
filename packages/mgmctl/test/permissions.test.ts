import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, startRedis } from '@mgm/devstack';
import { startManager } from '@mgm/test-support';
import { describe, expect, inject, it, type TestContext } from 'vitest';
import { run } from './program.ts';

/** A user for managers, one who may only read, and one who may not watch. */
const CONFIG = `authorization { users: [
  { user: manager, password: m }
  { user: reader, password: r, permissions: { publish: { deny: "mgm.v1.*.admin.*" } } }
  { user: deaf, password: d, permissions: {
    publish: { deny: "$SRV.>" }, subscribe: { deny: ["*.*.*.head", "*.*.*.event.*"] }
  } }
] }
`;

interface Restricted extends AsyncDisposable {
  urlOf(user: string, password: string): string;
}

async function restricted(ctx: TestContext): Promise<Restricted> {
  const choice = inject('servers');
  const isOurs = choice.source === 'process';
  ctx.skip(!isOurs, 'needs a server that reads a configuration file of this machine');
  const folder = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
  ctx.onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'nats.conf');
  await writeFile(file, CONFIG);
  await using starting = new AsyncDisposableStack();
  const redis = starting.use(await startRedis(choice));
  const nats = starting.use(await startNats(choice, { args: ['-c', file] }));
  const urlOf = (user: string, password: string): string =>
    nats.url.replace('nats://', `nats://${user}:${password}@`);
  starting.use(await startManager({ nats: { url: urlOf('manager', 'm') }, redis }));
  const scope = starting.move();
  return { urlOf, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

describe('a restricted NATS user', () => {
  it('may read, is refused the rest, and learns from doctor which permission is missing', async (ctx) => {
    await using servers = await restricted(ctx);
    const as = ['--nats', servers.urlOf('reader', 'r'), '--router', 'r1'];
    expect(await run([...as, 'interfaces'])).toMatchObject({ code: 0 });
    const released = await run([...as, 'release', '7', '--why', 'no', '--yes']);
    expect(released).toMatchObject({ code: 1, stdout: '' });
    expect(released.stderr).toMatch(/; the NATS user lacks a permission for router r1: ask .+\n$/);
    const { code, stdout } = await run([...as, 'doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note {2}permission {3}no evict: .+ mgm\.v1\.r1\.admin\.\*$/m);
  });

  it('learns that it may neither watch nor list replicas', async (ctx) => {
    await using servers = await restricted(ctx);
    const as = ['--nats', servers.urlOf('deaf', 'd'), '--router', 'r1'];
    const { code, stdout } = await run([...as, 'doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^note {2}replicas {5}NATS refuses this user \$SRV.+; allow the NATS user/m,
    );
    expect(stdout).toMatch(
      /^note {2}permission {3}no watch: .+; allow subscribing to mgm\.v1\.r1\.head/m,
    );
    expect(stdout).toMatch(/^ok {4}permission {3}evict is allowed$/m);
  });

  it('learns that the login is refused; the password is not shown', async (ctx) => {
    await using servers = await restricted(ctx);
    const as = ['--nats', servers.urlOf('reader', 'wrong'), '--router', 'r1'];
    const listed = await run([...as, 'interfaces']);
    expect(listed).toMatchObject({ code: 1, stdout: '' });
    expect(listed.stderr).toContain('NATS refuses the login');
    expect(listed.stderr).toMatch(/; NATS refused the user, password or token: check --nats\n$/);
    expect(listed.stderr).not.toContain('wrong');
    const { code, stdout } = await run([...as, 'doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}login {8}NATS refuses the login: .+; give user and password/m);
  });
});
