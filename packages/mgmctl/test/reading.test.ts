import { describe, expect, it } from 'vitest';
import { DVMRP, IGMP, mgmctlStage, objects, PIM, type Router } from './stage.ts';

const stage = mgmctlStage();

/** PIM owns 7 and 9 via two next hops; IGMP is also on 7, and alone on 8. */
async function populated(): Promise<Router> {
  const router = await stage.router();
  const pim = await router.register(PIM, 'pim-1');
  const igmp = await router.register(IGMP, 'igmp-1');
  await pim.takeInterfaces([
    { ifIndex: 7 },
    { ifIndex: 9, nextHop: '10.0.0.10' },
    { ifIndex: 9, nextHop: '10.0.0.9' },
  ]);
  await igmp.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 8 }]);
  return router;
}

describe('mgmctl interfaces', () => {
  it('lists interfaces in the order of indices and next hops', async () => {
    await using router = await populated();
    const { code, stdout, stderr } = await router.run(['interfaces']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^INTERFACE +OWNER +SESSION +EPOCH +SINCE \(UTC\) +STATE +IGMP SESSION$/);
    expect(rows.map((row) => row.split(/ {2,}/).slice(0, 2))).toEqual([
      ['7', 'PIM/1 pim-1'],
      ['8', 'IGMP/2 igmp-1'],
      ['9 via 10.0.0.9', 'PIM/1 pim-1'],
      ['9 via 10.0.0.10', 'PIM/1 pim-1'],
    ]);
  });

  it('writes one object per line with --json, with the fields of the wire contract', async () => {
    await using router = await populated();
    const { stdout } = await router.run(['interfaces', '--json', '--if', '7']);
    const item = { ifIndex: 7, nextHop: '', protocolId: PIM, name: 'pim-1', stale: false };
    expect(objects(stdout)).toEqual([expect.objectContaining(item)]);
    expect(objects(stdout)[0]).toHaveProperty('igmp.componentId', 2);
  });

  it('shows only interfaces that match the filters', async () => {
    await using router = await populated();
    const [pim] = await Array.fromAsync(router.mgm.sessions());
    const indices = async (...args: string[]) =>
      objects((await router.run(['--json', 'interfaces', ...args])).stdout).map(
        ({ ifIndex }) => ifIndex,
      );
    expect((await indices('--protocol', 'igmp')).toSorted()).toEqual([7, 8]);
    expect(await indices('--if', '9')).toEqual([9, 9]);
    expect(await indices('--stale')).toEqual([]);
    const ofSession = await indices('--session', String(pim?.session));
    expect(ofSession.length).toBe(pim?.interfaces);
  });

  it('fits the terminal, unless told otherwise', async () => {
    await using router = await populated();
    const on = async (columns: number, ...args: string[]): Promise<string[]> => {
      await using program = router.onTerminal(['interfaces', ...args], { columns });
      expect(await program.ended()).toMatchObject({ code: 0 });
      return program.stdout.trimEnd().split('\n');
    };
    const narrow = await on(60);
    expect(narrow[0]).toMatch(/^INTERFACE +OWNER +SESSION +STATE$/);
    expect(narrow.filter((line) => line.length > 60)).toEqual([]);
    expect((await on(140))[0]).toMatch(/^INTERFACE +OWNER +SESSION +EPOCH .+ IGMP SESSION$/);
    expect((await on(60, '-o', 'wide'))[0]).toMatch(/^INTERFACE .+ EPOCH .+ IGMP SESSION$/);
    const named = await router.run(['interfaces', '--columns', 'state,interface,since']);
    expect(named.stdout).toMatch(/^STATE +INTERFACE +SINCE \(UTC\)\nheld +7 +\d{4}-/);
  });

  it('says that no interface is held, which is no failure', async () => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(['interfaces']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no interface is held\n',
    });
  });

  it('says that no interface matches the filter', async () => {
    await using router = await populated();
    const { code, stderr } = await router.run(['interfaces', '--if', '99']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'no interface matches the filter\n' });
  });

  it('shows stale holders', async () => {
    await using router = await stage.router();
    const pim = await router.mgm.registerProtocol({
      protocolId: PIM,
      componentId: 1,
      name: 'pim-1',
      ttlMs: 1_000,
      graceMs: 60_000,
    });
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await using watching = router.start(['watch', '--json', '--from', '0']);
    pim.orphan();
    await watching.prints(/"type":"stale"/);
    const { stdout } = await router.run(['interfaces', '--stale']);
    expect(stdout).toMatch(/^7 +PIM\/1 pim-1 .* stale, [1-5]?\d\.\d s left$/m);
    const { stdout: ofSessions } = await router.run(['sessions', '--stale']);
    expect(ofSessions).toMatch(/^\d{16} +PIM\/1 pim-1 +stale, [1-5]?\d\.\d s left +1$/m);
  });
});

describe('mgmctl routers', () => {
  it('lists the routers with live sessions, without a --router', async () => {
    await using router = await populated();
    await using unused = await stage.router();
    const env = { MGM_ROUTER: '' };
    const { code, stdout } = await router.run(['routers', '--json'], { env });
    expect(code).toBe(0);
    const found = objects(stdout);
    expect(found).toContainEqual(expect.objectContaining({ router: router.name, rev: 7 }));
    expect(found.map(({ router: name }) => name)).not.toContain(unused.name);
    const { stdout: table } = await router.run(['routers'], { env });
    expect(table).toMatch(/^ROUTER +REVISION +LOG\n/);
    expect(table).toMatch(new RegExp(`^${router.name} +7 +\\S+$`, 'm'));
  });
});

describe('mgmctl owner', () => {
  it('shows the owner of an interface, the time of the take, and IGMP', async () => {
    await using router = await populated();
    const { code, stdout } = await router.run(['owner', '7']);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\d{16}/g, '#').replaceAll(/[\d-]{10} [\d:.]{12}/g, '@')).toBe(
      [
        'interface  7',
        'owner      PIM/1 pim-1',
        'session    #',
        'epoch      #',
        'since      @ UTC',
        'state      held',
        'igmp       IGMP/2, session #, epoch #',
        '',
      ].join('\n'),
    );
  });

  it('accepts a next hop in any notation', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7, nextHop: 'fe80::1' });
    const { stdout } = await router.run(['owner', '7', 'FE80:0::1', '--json']);
    const owner = { ifIndex: 7, nextHop: 'fe80::1', session: pim.id, name: 'pim-1' };
    expect(objects(stdout)).toEqual([expect.objectContaining(owner)]);
  });

  it('ends with 4 if the interface has no owner', async () => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(['owner', '7']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/^mgmctl: interface 7 has no owner; mgmctl interfaces lists .+\n$/);
  });

  it('names the next hops via which the interface is held', async () => {
    await using router = await populated();
    const hint = 'it is held via 10.0.0.10, 10.0.0.9: add the next hop';
    const { code, stderr } = await router.run(['owner', '9']);
    expect({ code, stderr }).toEqual({
      code: 4,
      stderr: `mgmctl: interface 9 has no owner; ${hint}\n`,
    });
    const withoutHop = await router.run(['owner', '7', '10.0.0.1']);
    expect(withoutHop.stderr).toMatch(/; it is held without a next hop: leave it out\n$/);
    const past = await router.run(['history', '9', '--json']);
    expect(past).toMatchObject({ code: 4, stdout: '' });
    expect(objects(past.stderr)).toEqual([
      expect.objectContaining({ error: 'not-found', exitCode: 4, next: hint }),
    ]);
  });

  it('prints no control character of a name', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'a\u001b[2Jb\nc');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const { stdout } = await router.run(['owner', '7']);
    expect(stdout).toContain('PIM/1 a?[2Jb?c\n');
  });
});

describe('mgmctl sessions', () => {
  it('lists sessions with the number of their interfaces', async () => {
    await using router = await populated();
    const { code, stdout } = await router.run(['sessions']);
    expect(code).toBe(0);
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^SESSION +CLIENT +STATE +INTERFACES$/);
    expect(rows[0]).toMatch(/^\d{16} +PIM\/1 pim-1 +live, \d+\.\d s left +3$/);
    expect(rows[1]).toMatch(/^\d{16} +IGMP\/2 igmp-1 +live, \d+\.\d s left +2$/);
  });

  it('writes one object per line with --json', async () => {
    await using router = await populated();
    const { stdout } = await router.run(['sessions', '--json', '--protocol', '10']);
    const igmp = { protocolId: IGMP, componentId: 2, state: 'live', interfaces: 2 };
    expect(objects(stdout)).toEqual([expect.objectContaining(igmp)]);
  });
});

describe('mgmctl sessions without a session', () => {
  it('names the router, or the filter', async () => {
    await using router = await stage.router();
    const { stderr } = await router.run(['sessions']);
    expect(stderr).toBe(`no sessions on router ${router.name}\n`);
    const filtered = await router.run(['sessions', '--stale']);
    expect(filtered.stderr).toBe('no session matches the filter\n');
  });
});

describe('mgmctl validate', () => {
  it('reports by its exit code whether an epoch is in force', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const { epoch } = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    expect(await router.run(['validate', '7', epoch])).toEqual({
      code: 0,
      stdout: `valid: ${epoch} is in force on interface 7\n`,
      stderr: '',
    });
    expect(await router.run(['validate', '7', '12'])).toMatchObject({
      code: 1,
      stdout: `not valid: on interface 7 ${epoch} is in force\n`,
    });
    expect(await router.run(['validate', '8', epoch])).toMatchObject({
      code: 1,
      stdout: 'not valid: interface 8 is free\n',
    });
  });

  it('prints an object with --json', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['validate', '7', '12', '10.0.0.1', '--json']);
    expect(code).toBe(1);
    expect(objects(stdout)).toEqual([
      { ifIndex: 7, nextHop: '10.0.0.1', epoch: '12', valid: false, current: '0' },
    ]);
  });

  it('refuses a text that is no epoch', async () => {
    await using router = await stage.router();
    expect(await router.run(['validate', '7', '0x1'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('mgmctl history', () => {
  it('shows the changes of an interface and of the sessions on it', async () => {
    await using router = await stage.router();
    const [pim, dvmrp] = [
      await router.register(PIM, 'pim-1', { graceMs: 60_000 }),
      await router.register(DVMRP, 'dvmrp-1'),
    ];
    await dvmrp.takeInterfaceOwnership({ ifIndex: 7, nextHop: '10.0.0.1' });
    await using first = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await first.release();
    await dvmrp.takeInterfaceOwnership({ ifIndex: 7 });
    await router.mgm.adminEvict({ session: dvmrp.id, actor: 'alice', why: 'hangs\n' });
    const { code, stdout } = await router.run(['history', '7']);
    expect(code).toBe(0);
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)[2]);
    expect(types).toEqual(['taken', 'released', 'taken', 'evicted', 'released']);
    expect(stdout).toMatch(
      /rev \d+ {2}evicted +DVMRP\/2 {2}session \d+ {2}by alice {2}\(hangs\?\)$/m,
    );
    const asObjects = objects((await router.run(['history', '7', '--json'])).stdout);
    expect(asObjects.map(({ type }) => type)).toEqual(types);
  });

  it('ends with 4 if the log has no change of it', async () => {
    await using router = await stage.router();
    expect(await router.run(['history', '7'])).toEqual({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/^mgmctl: no changes of interface 7 in the log; .+\n$/),
    });
  });
});

describe('mgmctl watch', () => {
  it('ends with 3 if no manager answers at its start', async () => {
    await using router = await stage.router();
    const args = ['watch', '--prefix', 'unused', '--timeout', '300ms'];
    expect(await router.run(args)).toMatchObject({ code: 3, stdout: '' });
  });

  it('refuses a revision that does not exist yet', async () => {
    await using router = await populated();
    const { code, stdout, stderr } = await router.run(['watch', '--from', '999999']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^mgmctl: revision 999999 does not exist yet, the last is 7; .+\n$/);
  });

  it('shows each change as it happens, until a signal ends it', async () => {
    await using router = await stage.router();
    await using watching = router.start(['watch']);
    await watching.prints(/^revision 0: 0 interfaces held$/m);
    const pim = await router.register(PIM, 'pim-1');
    const { epoch } = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const taken = `taken          7  PIM/1  session ${pim.id}  epoch ${epoch}`;
    await watching.prints(new RegExp(`rev 2 {2}${taken}$`, 'm'));
    watching.signal('SIGINT');
    expect(await watching.ended()).toMatchObject({ code: 130, stderr: '' });
  });

  it('begins after --from and ends after --count changes', async () => {
    await using router = await populated();
    const { code, stdout } = await router.run(['watch', '--from', '2', '--count', '3', '--json']);
    expect(code).toBe(0);
    expect(objects(stdout).map(({ kind, rev, type }) => [kind, rev, type])).toEqual([
      ['event', 3, 'taken'],
      ['event', 4, 'taken'],
      ['event', 5, 'taken'],
    ]);
  });

  it('begins with the held interfaces, one object each, with --json', async () => {
    await using router = await populated();
    await using watching = router.start(['watch', '--json']);
    await watching.prints(/(?:\{"kind":"interface".*\n){4}/);
    const [snapshot] = objects(watching.stdout);
    expect(snapshot).toMatchObject({ kind: 'snapshot', rev: 7, interfaces: 4 });
  });
});

describe('mgmctl rib', () => {
  it('lists the routes of all sessions, or of one, and fits the terminal', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const dvmrp = await router.register(DVMRP, 'dvmrp-1');
    await pim.setRoutes([
      { network: '2001:db8::', length: 32, ifIndex: 9, protocolId: 5_000 },
      { network: '10.0.0.0', length: 8, ifIndex: 7, nextHop: '10.0.0.9', neighbour: '10.0.0.9' },
    ]);
    await dvmrp.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 8, preference: 7 }]);
    const { code, stdout, stderr } = await router.run(['rib']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout.split('\n').map((row) => row.split(/ {2,}/));
    expect(rows).toEqual([
      ['PREFIX', 'INTERFACE', 'UPSTREAM', 'ORIGIN', 'PREFERENCE', 'SESSION', 'BEST'],
      ['10.0.0.0/8', '7 via 10.0.0.9', '10.0.0.9', 'PIM', '100', String(pim.id)],
      ['10.0.0.0/8', '8', 'DVMRP', '7', String(dvmrp.id), 'best'],
      ['2001:db8::/32', '9', '5000', '100', String(pim.id), 'best'],
      [''],
    ]);
    const own = await router.run(['rib', '--session', String(dvmrp.id), '--json']);
    expect(objects(own.stdout)).toMatchObject([{ network: '10.0.0.0', length: 8, best: true }]);
    await using program = router.onTerminal(['rib'], { columns: 60 });
    expect(await program.ended()).toMatchObject({ code: 0 });
    expect(program.stdout).toMatch(/^PREFIX +INTERFACE +UPSTREAM +BEST\r?\n/);
  });

  it('shows the best route to a source and its owner; without a route it ends with 4', async () => {
    await using router = await stage.router();
    const none = await router.run(['rib', '10.0.0.1']);
    expect(none).toMatchObject({ code: 4, stdout: '' });
    expect(none.stderr).toBe(
      'mgmctl: there is no route to 10.0.0.1; mgmctl rib lists the routes\n',
    );
    const empty = await router.run(['rib']);
    expect(empty).toMatchObject({
      code: 0,
      stdout: '',
      stderr: `no routes on router ${router.name}\n`,
    });
    const pim = await router.register(PIM, 'pim-1');
    await pim.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 7 }]);
    expect((await router.run(['rib', '10.0.0.1'])).stdout).toMatch(/^owner +none$/m);
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    expect((await router.run(['rib', '10.0.0.1'])).stdout).toMatch(/^owner +PIM\/1 pim-1$/m);
    const json = await router.run(['rib', '10.0.0.1', '--json']);
    expect(objects(json.stdout)).toMatchObject([
      { source: '10.0.0.1', network: '10.0.0.0', length: 8, owner: { session: pim.id } },
    ]);
    const both = await router.run(['rib', '10.0.0.1', '--session', '1']);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain('--session is for the list, not for a source');
  });
});
