import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@mgm/client';
import { createUser } from 'nkeys.js';
import { describe, expect, it } from 'vitest';
import { configured } from './configured.ts';
import { run } from './program.ts';
import { PIM } from './stage.ts';

/** A user for managers, one who may only read, and one who may not watch. */
const CONFIG = `authorization { users: [
  { user: manager, password: m }
  { user: reader, password: r, permissions: { publish: { deny: "mgm.v1.*.admin.>" } } }
  { user: deaf, password: d, permissions: {
    publish: { deny: "$SRV.>" }, subscribe: { deny: ["*.*.*.head", "*.*.*.event.*"] }
  } }
] }
`;

const MANAGER = { user: 'manager', password: 'm' };

describe('a restricted NATS user', () => {
  it('may read, is refused the rest, and learns from doctor which permission is missing', async (ctx) => {
    await using servers = await configured(ctx, CONFIG, MANAGER);
    const as = ['--nats', servers.urlOf('reader', 'r'), '--router', 'r1'];
    expect(await run([...as, 'interfaces'])).toMatchObject({ code: 0 });
    await using mgm = await connect({ servers: servers.urlOf('manager', 'm'), router: 'r1' });
    const pim = await mgm.registerProtocol({ protocolId: PIM, componentId: 1, ttlMs: 60_000 });
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const released = await run([...as, 'release', '7', '--why', 'no', '--yes']);
    expect(released).toMatchObject({ code: 1, stdout: '' });
    expect(released.stderr).toMatch(/; the NATS user lacks a permission for router r1: ask .+\n$/);
    const { code, stdout } = await run([...as, 'doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note {2}permission {3}no evict: .+ mgm\.v1\.r1\.admin\.>$/m);
  });

  it('logs in with an NKEY seed, and receives replies in the inboxes that it may subscribe to', async (ctx) => {
    const user = createUser();
    const config = `authorization { users: [
      { user: manager, password: m }
      { nkey: ${user.getPublicKey()}, permissions: { subscribe: ["_INBOX.noc.>"] } }
    ] }`;
    await using servers = await configured(ctx, config, MANAGER);
    const folder = await mkdtemp(join(tmpdir(), 'mgm-mgmctl-'));
    ctx.onTestFinished(() => rm(folder, { recursive: true }));
    const seed = join(folder, 'noc.nk');
    await writeFile(seed, user.getSeed(), { mode: 0o600 });
    const as = ['--nats', servers.urlOf(), '--nkey', seed, '--router', 'r1'];
    expect(await run([...as, '--inbox-prefix', '_INBOX.noc', 'interfaces'])).toMatchObject({
      code: 0,
    });
    const refused = await run([...as, 'interfaces']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('NATS does not let this user subscribe to _INBOX.');
  });

  it('learns that it may neither watch nor list replicas', async (ctx) => {
    await using servers = await configured(ctx, CONFIG, MANAGER);
    const as = ['--nats', servers.urlOf('deaf', 'd'), '--router', 'r1'];
    const { code, stdout } = await run([...as, 'doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^note {2}replicas {5}NATS does not let this user .*\$SRV.+; allow the NATS user/m,
    );
    expect(stdout).toMatch(
      /^note {2}permission {3}no watch: .+; allow subscribing to mgm\.v1\.r1\.head/m,
    );
    expect(stdout).toMatch(/^ok {4}permission {3}evict is allowed$/m);
  });

  it('learns that the login is refused; the password is not shown', async (ctx) => {
    await using servers = await configured(ctx, CONFIG, MANAGER);
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
