import { describe, expect, it } from 'vitest';
import { DVMRP, IGMP, mgmctlStage, objects, PIM, type Router } from './stage.ts';

const stage = mgmctlStage();

/** PIM owns 7 and 9 via two next hops, IGMP is on 7 beside it and on 8 alone. */
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
  it('lists what is held in the order of indices and next hops', async () => {
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

  it('writes one object per line with --json, as the wire contract has it', async () => {
    await using router = await populated();
    const { stdout } = await router.run(['interfaces', '--json', '--if', '7']);
    const item = { ifIndex: 7, nextHop: '', protocolId: PIM, name: 'pim-1', stale: false };
    expect(objects(stdout)).toEqual([expect.objectContaining(item)]);
    expect(objects(stdout)[0]).toHaveProperty('igmp.componentId', 2);
  });

  it('shows only what is asked for', async () => {
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

  it('says so where nothing is held, which is no failure', async () => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(['interfaces']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no such interfaces are held\n',
    });
  });

  it('shows who is away and expected back', async () => {
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

describe('mgmctl owner', () => {
  it('tells who holds an interface, since when, and IGMP beside it', async () => {
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

  it('takes a next hop in any of its forms', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7, nextHop: 'fe80::1' });
    const { stdout } = await router.run(['owner', '7', 'FE80:0::1', '--json']);
    const owner = { ifIndex: 7, nextHop: 'fe80::1', session: pim.id, name: 'pim-1' };
    expect(objects(stdout)).toEqual([expect.objectContaining(owner)]);
  });

  it('ends with 4 where nobody is', async () => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(['owner', '7']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /^mgmctl: nobody is on interface 7; mgmctl interfaces and mgmctl sessions list .+\n$/,
    );
  });

  it('lets no name of a client steer the terminal', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'a\u001b[2Jb\nc');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const { stdout } = await router.run(['owner', '7']);
    expect(stdout).toContain('PIM/1 a?[2Jb?c\n');
  });
});

describe('mgmctl sessions', () => {
  it('lists who is registered, and how much they are on', async () => {
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

describe('mgmctl validate', () => {
  it('tells by its exit code whether an epoch is in force', async () => {
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

  it('says the same with --json', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run(['validate', '7', '12', '10.0.0.1', '--json']);
    expect(code).toBe(1);
    expect(objects(stdout)).toEqual([
      { ifIndex: 7, nextHop: '10.0.0.1', epoch: '12', valid: false, current: '0' },
    ]);
  });

  it('refuses what is no epoch', async () => {
    await using router = await stage.router();
    expect(await router.run(['validate', '7', '0x1'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('mgmctl history', () => {
  it('shows what happened to one interface, and to the sessions that were on it', async () => {
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

  it('ends with 4 where the log tells nothing', async () => {
    await using router = await stage.router();
    expect(await router.run(['history', '7'])).toEqual({
      code: 4,
      stdout: '',
      stderr: 'the log tells nothing of interface 7\n',
    });
  });
});

describe('mgmctl watch', () => {
  it('ends with 3 where there is no manager to begin with', async () => {
    await using router = await stage.router();
    const args = ['watch', '--prefix', 'nobody', '--timeout', '300ms'];
    expect(await router.run(args)).toMatchObject({ code: 3, stdout: '' });
  });

  it('shows each change as it happens, until it is interrupted', async () => {
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

  it('begins where it is told, and ends after so many changes', async () => {
    await using router = await populated();
    const { code, stdout } = await router.run(['watch', '--from', '2', '--count', '3', '--json']);
    expect(code).toBe(0);
    expect(objects(stdout).map(({ kind, rev, type }) => [kind, rev, type])).toEqual([
      ['event', 3, 'taken'],
      ['event', 4, 'taken'],
      ['event', 5, 'taken'],
    ]);
  });

  it('begins with all that is held, one object each, with --json', async () => {
    await using router = await populated();
    await using watching = router.start(['watch', '--json']);
    await watching.prints(/(?:\{"kind":"interface".*\n){4}/);
    const [snapshot] = objects(watching.stdout);
    expect(snapshot).toMatchObject({ kind: 'snapshot', rev: 7, interfaces: 4 });
  });
});
