import { skipAmongOthers } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { DVMRP, IGMP, MANAGER, mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

describe('mgmctl top', () => {
  it('updates sessions and changes in place, until Ctrl-C', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await using top = router.onTerminal(['top', '--every', '100ms']);
    await top.prints(new RegExp(`router ${router.name}  connected  revision 1`));
    await top.prints(/0 interfaces held, IGMP on 0 {2}1 session {2}0\.0 changes\/s/);
    await top.prints(/REPLICA {2}VERSION {2}REQUESTS\/S {2}MEAN +FAILED {2}STORE/);
    await top.prints(/mgm-1 +\d+\.\d+\.\d+ +\d+\.\d +(\d+\.\d ms|-) +0 +(redis|valkey) \d/);
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await top.prints(/1 interface held, IGMP on 0 {2}1 session {2}\d\.\d changes\/s/);
    await top.prints(new RegExp(`^${pim.id}  PIM/1 pim-1  live, \\d+\\.\\d s left  1$`, 'm'));
    await top.prints(/rev 2 {2}taken +7 {2}PIM\/1/);
    top.write('\u0003');
    expect(await top.ended()).toMatchObject({ code: 130 });
    expect(top.stdout.split(/\n/).filter((line) => line.length > 100)).toEqual([]);
  });

  it('writes one object per update with --json, and ends after --count of them', async (ctx) => {
    skipAmongOthers(ctx);
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const igmp = await router.register(IGMP, 'igmp-1');
    await router.register(DVMRP, 'dvmrp-1');
    await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 8 }]);
    await igmp.takeInterfaces([{ ifIndex: 8 }, { ifIndex: 9 }]);
    const { code, stdout } = await router.run(['top', '--every', '1s', '--count', '2', '--json']);
    expect(code).toBe(0);
    const looks = objects(stdout);
    expect(looks).toHaveLength(2);
    expect(looks[1]).toMatchObject({ rev: 7, interfaces: 2, igmp: 2, changesPerSecond: 0 });
    const replica = { name: MANAGER, trouble: [], durability: 'memory', failed: 0 };
    expect(looks).toEqual([
      expect.objectContaining({ replicas: [expect.objectContaining(replica)] }),
      expect.objectContaining({ replicas: [expect.objectContaining(replica)] }),
    ]);
    const [{ replicas: [second] = [] } = {}] = looks.slice(1) as { replicas?: object[] }[];
    expect(second).toMatchObject({ requestsPerSecond: expect.any(Number) });
    const sessions = [{ name: 'pim-1' }, { name: 'igmp-1' }, { name: 'dvmrp-1' }];
    expect(looks[1]).toMatchObject({ sessions });
  });

  it('prints frames one after the other without a terminal', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaces([{ ifIndex: 7 }]);
    const args = ['top', '--every', '100ms', '--count', '2'];
    const { code, stdout } = await router.run(args);
    expect(code).toBe(0);
    expect(stdout.match(/^1 interface held/gm)).toHaveLength(2);
    expect(stdout.match(/ pim-1 /g)?.length).toBeGreaterThanOrEqual(2);
  });
});
