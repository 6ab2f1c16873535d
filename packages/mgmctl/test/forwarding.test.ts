import { describe, expect, it } from 'vitest';
import { IGMP, mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

const SOURCE = '10.1.2.3';

/** PIM on 7, the interface towards the sources, and on 9; a receiver on 9, and entries for two flows. */
async function forwarding() {
  const router = await stage.router();
  const pim = await router.register(PIM, 'pim-1');
  const igmp = await router.register(IGMP, 'igmp-1');
  await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 9 }]);
  await igmp.takeInterfaces([{ ifIndex: 9 }]);
  await pim.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 7, neighbour: '10.0.0.254' }]);
  await igmp.addGroupMembershipEntries([{ ifIndex: 9, group: '239.1.1.1' }]);
  await pim.reportFlows([
    { group: '239.1.1.1', source: SOURCE, ifIndex: 7 },
    { group: '239.2.2.2', source: SOURCE, ifIndex: 7 },
  ]);
  return Object.assign(router, { pim });
}

describe('mgmctl mfe', () => {
  it('lists each forwarding entry with its interfaces and owner', async () => {
    await using router = await forwarding();
    const { code, stdout, stderr } = await router.run(['mfe']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = stdout.trimEnd().split('\n');
    expect(rows.map((line) => line.split(/ {2,}/).slice(0, 5))).toEqual([
      ['GROUP', 'SOURCE', 'IN', 'OUT', 'OWNER'],
      ['239.1.1.1', SOURCE, '7', '9', 'PIM'],
      ['239.2.2.2', SOURCE, '7', 'none', 'PIM'],
    ]);
  });

  it('lists only the entries of a group or of a source', async () => {
    await using router = await forwarding();
    const { stdout } = await router.run(['mfe', '--group', '239.2.2.2', '--json']);
    expect(objects(stdout)).toMatchObject([{ group: '239.2.2.2', source: SOURCE, oifs: [] }]);
    const none = await router.run(['mfe', '--source', '192.0.2.1']);
    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(none.stderr).toContain('no forwarding entry matches the filter');
  });

  it('shows one entry in full, as text and for programs', async () => {
    await using router = await forwarding();
    const args = ['mfe', '--group', '239.1.1.1', '--source', SOURCE];
    const { stdout } = await router.run(args);
    expect(stdout).toMatch(/^upstream +10\.0\.0\.254$/m);
    expect(stdout).toMatch(/^out +9$/m);
    const { stdout: json } = await router.run([...args, '--json']);
    const mfe = await router.mgm.getMfe({ group: '239.1.1.1', source: SOURCE });
    const steady = { upMs: expect.any(Number), expiresInMs: expect.any(Number) };
    expect(objects(json)).toEqual([{ ...mfe, ...steady }]);
  });

  it('ends with code 4 and says what to do if there is no such entry', async () => {
    await using router = await forwarding();
    const args = ['mfe', '--group', '239.9.9.9', '--source', SOURCE];
    const { code, stderr } = await router.run(args);
    expect(code).toBe(4);
    expect(stderr).toContain(`there is no forwarding entry for (${SOURCE}, 239.9.9.9)`);
  });

  it.each([
    [['mfe', '--group', '*'], 'a forwarding entry has no wildcard'],
    [['mfe', '--group', '10.0.0.1'], '--group'],
    [['mfe', '--source', 'x'], '--source'],
  ])('refuses wrong usage: %j', async (args, text) => {
    await using router = await stage.router();
    const { code, stderr } = await router.run(args);
    expect(code).toBe(2);
    expect(stderr).toContain(text);
  });
});
