import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import { Protocols, type RawRouter, type RawSession } from '../../support/raw-client.ts';
import { listAll } from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import { overReplicas } from '../../support/stage.ts';

/** Section 10 of the forwarding contract: settings of interfaces that operators make. */

const GROUP = '239.1.2.3';
const OTHER = '239.1.2.4';
const SOURCE = '10.0.0.1';
const BY = { actor: 'anna', why: 'limit of the line' };
const U32_MAX = 2 ** 32 - 1;
const WITHIN = { withinMs: 30_000 };
const LIMIT = { reason: 'limit' };

overReplicas((stage) => {
  let router: RawRouter;
  let pim: RawSession;
  let igmp: RawSession;

  beforeEach(async () => {
    router = stage.router();
    pim = await router.register({ protocolId: Protocols.pim });
    igmp = await router.register({ protocolId: Protocols.igmp });
  });

  const set = (fields: object) =>
    router.request('admin.interface.set', { ifIndex: 1, ...BY, ...fields });
  const configure = (group: string, source?: string) =>
    router.request('admin.member.add', { ifIndex: 1, group, source, ...BY });

  describe('admin.interface.set', () => {
    it('replies the settings as they were; a repeat changes nothing', async () => {
      const none = { maxGroups: 0, maxEntries: 0, lite: false };
      expect(ok(await set({}))).toMatchObject({ changed: false, ...none });
      expect(ok(await set({ maxGroups: 5, lite: true }))).toMatchObject({ changed: true, ...none });
      const set5 = { maxGroups: 5, maxEntries: 0, lite: true };
      expect(ok(await set({ maxEntries: U32_MAX }))).toMatchObject({ changed: true, ...set5 });
      const all = { ...set5, maxEntries: U32_MAX };
      expect(ok(await set(all))).toMatchObject({ changed: false, ...all });
    });

    it('has one event with what changed, the operator and why', async () => {
      ok(await set({ maxGroups: 5, maxEntries: 7, lite: true }));
      ok(await set({ maxGroups: 5, maxEntries: 8 }));
      ok(await set({ maxEntries: 8 }));
      const interfaceSet = {
        type: 'interface-set',
        cause: 'admin',
        ifIndex: 1,
        nextHop: '',
        ...BY,
      };
      const events = (await router.eventsAfter(0)).filter(({ type }) => type === 'interface-set');
      expect(events).toMatchObject([
        { ...interfaceSet, maxGroups: 5, maxEntries: 7, lite: true },
        { ...interfaceSet, maxEntries: 8 },
      ]);
      expect(events[1]).not.toHaveProperty('maxGroups');
      const log = ok(await router.request('admin.events', { from: 0 }));
      expect(log.events).toMatchObject([
        { operation: 'admin.interface.set', maxGroups: 5, lite: true, ...BY },
        { operation: 'admin.interface.set', maxEntries: 8, ...BY },
      ]);
    });

    it('is refused without actor or why, and for a value out of range', async () => {
      expectRefused(await set({ why: undefined }), 87, 'bad-request', { field: 'why' });
      expectRefused(await set({ maxGroups: -1 }), 87, 'bad-request', { field: 'maxGroups' });
      expectRefused(await set({ maxEntries: U32_MAX + 1 }), 87, 'bad-request', {
        field: 'maxEntries',
      });
      expect(ok(await set({}))).toMatchObject({ maxGroups: 0, maxEntries: 0 });
    });
  });

  it('`maxEntries` counts the memberships of the owner, of IGMP and static ones', async () => {
    ok(await pim.take(1));
    ok(await igmp.take(1));
    ok(await set({ maxEntries: 3 }));
    ok(await pim.add(1, GROUP));
    ok(await igmp.add(1, GROUP));
    ok(await configure(GROUP));
    expect(await configure(OTHER)).toMatchObject(LIMIT);
    expect(await pim.add(1, OTHER)).toMatchObject(LIMIT);
    expect(ok(await pim.add(1, GROUP))).toMatchObject({ changed: false });
    ok(await igmp.delete(1, GROUP));
    ok(await pim.add(1, OTHER));
  });

  it('`maxGroups` counts groups with memberships, and (*,*) is none', async () => {
    ok(await pim.take(1));
    ok(await set({ maxGroups: 1 }));
    ok(await pim.add(1, GROUP));
    ok(await pim.add(1, GROUP, { source: SOURCE }));
    ok(await pim.add(1));
    ok(await configure(GROUP));
    expect(await configure(OTHER)).toMatchObject(LIMIT);
    const elements = [
      [1, '', OTHER, ''],
      [1, '', GROUP, '10.0.0.2'],
    ];
    expect(ok(await pim.bulk('member.add', elements))).toMatchObject({
      count: 1,
      failed: [[0, expect.any(Number), 'limit']],
    });
    const fields = { ifIndex: 1, group: OTHER, mode: 'exclude', sources: [] };
    expect(await pim.change('member.set', fields)).toMatchObject(LIMIT);
  });

  it('applies to later adds: what is there stays', async () => {
    ok(await pim.take(1));
    ok(await pim.add(1, GROUP));
    ok(await pim.add(1, OTHER));
    ok(await set({ maxGroups: 1, maxEntries: 1 }));
    expect(await listAll(router, 'members')).toHaveLength(2);
    expect(await pim.add(1, GROUP, { source: SOURCE })).toMatchObject(LIMIT);
    ok(await pim.delete(1, OTHER));
    expect(await pim.add(1, OTHER)).toMatchObject(LIMIT);
    ok(await set({ maxGroups: 0, maxEntries: 0 }));
    ok(await pim.add(1, OTHER));
  });

  it('belongs to the interface, and stays when holds end', async () => {
    ok(await pim.take(1));
    ok(await pim.add(1, GROUP));
    ok(await set({ maxEntries: 1 }));
    ok(await pim.release(1));
    ok(
      await pim.takeAll([
        [1, ''],
        [2, ''],
      ]),
    );
    // What is withdrawn does not count.
    ok(await pim.add(1, GROUP));
    expect(await pim.add(1, OTHER)).toMatchObject(LIMIT);
    ok(await pim.add(2, OTHER));
    expect(ok(await set({}))).toMatchObject({ maxEntries: 1 });
  });

  it('`lite` ignores exclude lists, also those of present memberships', async () => {
    ok(
      await pim.takeAll([
        [1, ''],
        [2, ''],
      ]),
    );
    ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 2, '', '', Protocols.pim]] }));
    const fields = { ifIndex: 1, group: GROUP, mode: 'exclude', sources: [SOURCE] };
    ok(await pim.change('member.set', fields));
    using watch = router.watch();
    const flows = [[GROUP, SOURCE, 2, '']];
    ok(await router.request('flow.new', { handle: pim.handle, flows }));
    const oifs = async () =>
      ok(await router.request('mfe.get', { group: GROUP, source: SOURCE })).mfe.oifs;
    expect(await oifs()).toEqual([]);
    ok(await set({ lite: true }));
    expect(await oifs()).toEqual([[1, '']]);
    await eventually(() => {
      expect(watch.mfes.flatMap(({ items }) => items)).toHaveLength(2);
    }, WITHIN);
    ok(await set({ lite: false }));
    expect(await oifs()).toEqual([]);
  });
});
