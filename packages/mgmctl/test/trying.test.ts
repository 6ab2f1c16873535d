import { isMgmError } from '@mgm/client';
import { describe, expect, it } from 'vitest';
import { IGMP, mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

describe('mgmctl take', () => {
  it('holds an interface until Ctrl-C, then gives it back', async () => {
    await using router = await stage.router();
    await using taking = router.onTerminal(['take', '7', '--component', '5', '--name', 'try']);
    const [, epoch] = await taking.prints(/^took interface 7 under epoch (\d+)$/m);
    const holder = { protocolId: PIM, componentId: 5, name: 'try', epoch };
    expect(await router.mgm.getProtocolOnInterface({ ifIndex: 7 })).toMatchObject(holder);
    taking.write('\u0003');
    expect(await taking.ended()).toMatchObject({ code: 130 });
    await taking.prints(/gave everything back$/m);
    const free = await router.mgm.getProtocolOnInterface({ ifIndex: 7 }).catch(String);
    expect(free).toContain('MgmError');
    expect(await Array.fromAsync(router.mgm.sessions())).toEqual([]);
  });

  it('is refused if the interface has an owner, and leaves no session behind', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const { code, stderr } = await router.run(['take', '7', '--json']);
    expect(code).toBe(1);
    const refused = { error: 'already-owned', exitCode: 1, status: 183, outcome: 'not-done' };
    expect(objects(stderr)).toEqual([
      expect.objectContaining({ ...refused, holder: expect.objectContaining({ name: 'pim-1' }) }),
    ]);
    const left = await Array.fromAsync(router.mgm.sessions(), ({ session }) => session);
    expect(left).toEqual([pim.id]);
  });

  it('ends as refused when an operator takes the interface away', async () => {
    await using router = await stage.router();
    await using taking = router.start(['take', '7', '--json']);
    await taking.prints(/"kind":"taken"/);
    await router.mgm.adminRelease({ ifIndex: 7, actor: 'alice', why: 'moved' });
    const { code, stdout } = await taking.ended();
    expect(code).toBe(1);
    const lost = { kind: 'ownership-lost', ifIndex: 7, cause: 'admin', why: 'moved' };
    expect(objects(stdout)).toContainEqual(expect.objectContaining(lost));
  });
});

describe('mgmctl register', () => {
  it('shows callbacks', async () => {
    await using router = await stage.router();
    const args = ['register', '--protocol', 'igmp', '--component', '1'];
    await using registered = router.start(args);
    await registered.prints(/^registered IGMP\/1 mgmctl \S+@\S+ as session \d+, lease 10\.0 s$/m);
    registered.signal('SIGTERM');
    expect(await registered.ended()).toMatchObject({ code: 130 });
    await registered.prints(/^gave everything back$/m);
    await using taking = router.start(['take', '7', '--protocol', String(IGMP)]);
    await taking.prints(/^took interface 7/m);
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await taking.prints(/^DISABLE_IGMP on interface 7\nENABLE_IGMP on interface 7$/m);
  });

  it('is refused if the pair has a live session', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1').catch((error: unknown) => error);
    expect(isMgmError(pim)).toBe(false);
    const { code, stderr } = await router.run(['register', '--component', '1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /; choose another --component, or end the other session with mgmctl evict\n$/,
    );
  });
});
