import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { IGMP, mgmctlStage, objects, PIM, type Router } from './stage.ts';

const stage = mgmctlStage();

const HOP = '10.0.0.9';

/** PIM on 7 and 9 via a next hop, IGMP on 7 with PIM and alone on 8; memberships of IPv4 and IPv6. */
async function populated() {
  const router = await stage.router();
  const pim = await router.register(PIM, 'pim-1');
  const igmp = await router.register(IGMP, 'igmp-1');
  await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 9, nextHop: HOP }]);
  await igmp.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 8 }]);
  await igmp.addGroupMembershipEntries([
    { ifIndex: 7, group: '239.1.1.1' },
    { ifIndex: 8, group: '239.1.1.1' },
    { ifIndex: 7, group: '232.1.1.1', source: '192.0.2.1' },
    { ifIndex: 8, group: 'ff3e::1', source: '2001:db8::1' },
  ]);
  await pim.addGroupMembershipEntries([{ ifIndex: 9, nextHop: HOP }]);
  return Object.assign(router, { pim, igmp });
}

function cells(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
}

describe('mgmctl groups', () => {
  it('lists every entry with its source and the number of clients it counts for', async () => {
    await using router = await populated();
    const { code, stdout, stderr } = await router.run(['groups']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(cells(stdout)).toEqual([
      ['GROUP', 'SOURCE', 'CLIENTS'],
      ['*', '*', '1'],
      ['232.1.1.1', '192.0.2.1', '1'],
      ['239.1.1.1', '*', '2'],
      ['ff3e::1', '2001:db8::1', '1'],
    ]);
    const { stdout: json } = await router.run(['groups', '--json']);
    expect(objects(json)[2]).toEqual({
      ...{ group: '239.1.1.1', source: '', clients: 2 },
      ...{ others: true, own: false, local: false },
    });
  });

  it('lists each group once with --any, without the entry of all groups', async () => {
    await using router = await populated();
    const { stdout } = await router.run(['groups', '--any']);
    expect(stdout).toBe('GROUP\n232.1.1.1\n239.1.1.1\nff3e::1\n');
    const { stdout: json } = await router.run(['groups', '--any', '--json']);
    expect(objects(json)[0]).toEqual({ group: '232.1.1.1' });
  });

  it('says that there are none, which is no failure', async () => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(['groups']);
    const note = `no memberships on router ${router.name}\n`;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: note });
  });
});

describe('mgmctl members', () => {
  it('lists the memberships with holder and the client that each counts for', async () => {
    await using router = await populated();
    const { code, stdout, stderr } = await router.run(['members']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, ...rows] = cells(stdout);
    expect(head).toEqual(['GROUP', 'SOURCE', 'INTERFACE', 'HOLDER', 'SESSION', 'COUNTS FOR']);
    expect(rows.map((row) => row.toSpliced(4, 1).join(', ')).toSorted()).toEqual([
      `*, *, 9 via ${HOP}, PIM/1 pim-1, PIM/1 pim-1`,
      '232.1.1.1, 192.0.2.1, 7, IGMP/2 igmp-1, PIM/1 pim-1',
      '239.1.1.1, *, 7, IGMP/2 igmp-1, PIM/1 pim-1',
      '239.1.1.1, *, 8, IGMP/2 igmp-1, IGMP/2 igmp-1',
      'ff3e::1, 2001:db8::1, 8, IGMP/2 igmp-1, IGMP/2 igmp-1',
    ]);
  });

  it('shows which sources a membership excludes, the first of many', async () => {
    await using router = await populated();
    const sources = Array.from({ length: 6 }, (_, at) => `10.0.0.${at + 1}`);
    const filter = { ifIndex: 8, group: '239.1.1.1', mode: 'exclude', sources } as const;
    await router.igmp.setGroupFilter(filter);
    const args = ['members', '--if', '8', '--group', '239.1.1.1'];
    const { stdout } = await router.run(args);
    const shown = `* except ${sources.slice(0, 4).join(' ')} and 2 more`;
    expect(cells(stdout)[1]?.slice(0, 3)).toEqual(['239.1.1.1', shown, '8']);
    const { stdout: json } = await router.run([...args, '--json']);
    expect(objects(json)).toMatchObject([{ source: '', exclude: sources }]);
  });

  it('lists only those that match all filters', async () => {
    await using router = await populated();
    const { pim, igmp } = router;
    const found = async (...args: string[]): Promise<string[]> => {
      const { stdout } = await router.run(['members', '--json', ...args]);
      return objects(stdout).map(({ group, ifIndex }) => `${String(group)} ${String(ifIndex)}`);
    };
    expect((await found('--group', '239.1.1.1')).toSorted()).toEqual([
      '239.1.1.1 7',
      '239.1.1.1 8',
    ]);
    expect(await found('--group', '*')).toEqual([' 9']);
    expect(await found('--group', '232.1.1.1', '--source', '*')).toEqual([]);
    expect(await found('--group', '232.1.1.1', '--source', '192.0.2.1')).toEqual(['232.1.1.1 7']);
    expect(await found('--if', '9')).toEqual([' 9']);
    expect(await found('--if', '9', '--next-hop', HOP)).toEqual([' 9']);
    expect(await found('--if', '9', '--next-hop', '10.0.0.1')).toEqual([]);
    expect(await found('--if', '8', '--group', 'FF3E:0::1')).toEqual(['ff3e::1 8']);
    expect(await found('--session', String(pim.id))).toHaveLength(3);
    expect(await found('--session', String(igmp.id))).toHaveLength(4);
  });

  it('lists with --if also static memberships on next hops without a client', async () => {
    await using router = await populated();
    const by = { actor: 'test', why: 'test' };
    const target = { ifIndex: 9, nextHop: '10.0.0.1', group: '239.1.1.1' };
    await router.mgm.adminAddMembership({ ...target, ...by });
    const { stdout } = await router.run(['members', '--if', '9', '--json']);
    expect(objects(stdout)).toMatchObject([{ nextHop: HOP }, { ...target, session: 0 }]);
  });

  it('fits the terminal, unless told otherwise', async () => {
    await using router = await populated();
    const on = async (columns: number, ...args: string[]): Promise<string[]> => {
      await using program = router.onTerminal(['members', ...args], { columns });
      expect(await program.ended()).toMatchObject({ code: 0 });
      return program.stdout.trimEnd().split('\n');
    };
    const narrow = await on(64);
    expect(narrow[0]).toMatch(/^GROUP +SOURCE +INTERFACE +HOLDER$/);
    expect(narrow.filter((line) => line.length > 64)).toEqual([]);
    expect((await on(80))[0]).toMatch(/^GROUP +SOURCE +INTERFACE +HOLDER +COUNTS FOR$/);
    expect((await on(64, '-o', 'wide'))[0]).toMatch(/SESSION +COUNTS FOR$/);
    const { stdout } = await router.run(['members', '--columns', 'counts-for,group']);
    expect(stdout).toMatch(/^COUNTS FOR +GROUP\nPIM\/1 pim-1 +\*\n/);
  });

  it('says that no membership matches, which is no failure', async () => {
    await using router = await populated();
    expect(await router.run(['members', '--if', '99'])).toMatchObject({
      ...{ code: 0, stdout: '', stderr: 'no membership matches the filter\n' },
    });
    await using empty = await stage.router();
    const none = { code: 0, stderr: `no memberships on router ${empty.name}\n` };
    expect(await empty.run(['members'])).toMatchObject(none);
  });

  it.each([
    [['--group', '10.0.0.1'], /^mgmctl: --group "10\.0\.0\.1": must be 224\.0\.0\.0 to /],
    [['--group', 'nonsense'], /^mgmctl: --group "nonsense": must be an IPv4 or IPv6 address/],
    [['--source', '192.0.2.1'], /^mgmctl: --source needs --group;/],
    [
      ['--group', '239.1.1.1', '--source', '2001:db8::1'],
      /^mgmctl: --source "2001:db8::1": must be of the address family/,
    ],
    [['--next-hop', '10.0.0.9'], /^mgmctl: --next-hop needs --if;/],
    [['--if', '7', '--next-hop', '10.0'], /^mgmctl: --next-hop "10\.0": must be an IPv4 or IPv6/],
    [['--if', '0'], /^mgmctl: --if "0": must be an integer from 1 to 4294967295/],
    [['--session', 'x'], /^mgmctl: --session "x": must be an integer/],
  ])('refuses %j and says why, without a request', async (args, why) => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(['members', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(why);
  });
});

describe('mgmctl watch --memberships', () => {
  it('shows the memberships that begin and end, a line for each', async () => {
    await using router = await populated();
    const { pim, igmp } = router;
    await using watching = router.start(['watch', '--memberships']);
    await watching.prints(/^membership revision 5: 5 memberships$/m);
    await igmp.deleteGroupMembershipEntry({ ifIndex: 8, group: '239.1.1.1' });
    await pim.addGroupMembershipEntry({ ifIndex: 7, group: '239.9.9.9' });
    await watching.prints(/mrev 7 /);
    watching.signal('SIGINT');
    const { code, stdout } = await watching.ended();
    expect(code).toBe(130);
    expect(
      stdout
        .replaceAll(/[\d-]{10} [\d:.]{12}/g, '@')
        .trimEnd()
        .split('\n')
        .slice(1),
    ).toEqual([
      `@  mrev 6  left    (*, 239.1.1.1)  on 8  IGMP/2  session ${igmp.id}`,
      `@  mrev 7  joined  (*, 239.9.9.9)  on 7  PIM/1  session ${pim.id}`,
    ]);
  });

  it('names the client that a membership counts for, and what ended it', async () => {
    await using router = await populated();
    const { pim, igmp } = router;
    await pim.ownerships.find(({ ifIndex }) => ifIndex === 7)?.release();
    // IGMP adds its memberships again afterwards, so the head may already be beyond the two that ended.
    await eventually(
      async () => expect((await router.mgm.memberEvents(5)).head).toBeGreaterThanOrEqual(7),
      { withinMs: 30_000 },
    );
    const { stdout } = await router.run(['watch', '--memberships', '--from', '5', '--count', '2']);
    expect(stdout).toMatch(
      new RegExp(`left {4}.+ on 7 .+ session ${igmp.id} {2}counts for ${pim.id} {2}release$`, 'm'),
    );
  });

  it('ends after --count memberships, and shows the last change whole', async () => {
    await using router = await populated();
    const args = ['watch', '--memberships', '--from', '0', '--json', '--count', '1'];
    const { code, stdout } = await router.run(args);
    expect(code).toBe(0);
    const [first] = objects(stdout).filter(({ kind }) => kind === 'event');
    expect(first).toMatchObject({ first: 1, type: 'joined', cause: 'member' });
    expect(objects(stdout).filter(({ kind }) => kind === 'event')).toHaveLength(1);
  });

  it('begins with a snapshot for programs, and marks its end', async () => {
    await using router = await populated();
    await using watching = router.start(['watch', '--memberships', '--json']);
    await watching.prints(/"kind":"synced"/);
    const [snapshot, ...rest] = objects(watching.stdout);
    expect(snapshot).toMatchObject({ kind: 'snapshot', reason: 'start', mrev: 5, memberships: 5 });
    expect(rest.map(({ kind }) => kind)).toEqual([...Array(5).fill('membership'), 'synced']);
    expect(rest[0]).toMatchObject({ protocolId: expect.any(Number), countsFor: router.pim.id });
  });

  it('refuses a revision that does not exist yet', async () => {
    await using router: Router = await populated();
    const { code, stderr } = await router.run(['watch', '--memberships', '--from', '6']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^mgmctl: membership revision 6 does not exist yet, the last is 5;/);
  });
});

it('mgmctl completes groups', async () => {
  await using router = await populated();
  const { code, stdout } = await router.run(['complete', 'groups', 'members', '--group']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '232.1.1.1\n239.1.1.1\nff3e::1\n' });
});
