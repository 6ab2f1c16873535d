import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import { Protocols, type RawRouter, type RawSession } from '../../support/raw-client.ts';
import { ok } from '../../support/raw-replies.ts';
import { overReplicas } from '../../support/stage.ts';

/** Owner settings and filter modes: sections 7 and 9 of the forwarding contract. */

const GROUP = '239.1.2.3';
const ALERTS = ['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN', 'LOCAL_LEAVE'];
const WITHIN = { withinMs: 30_000 };

overReplicas((stage) => {
  let router: RawRouter;
  let pim: RawSession;
  let igmp: RawSession;
  let dvmrp: RawSession;

  beforeEach(async () => {
    router = stage.router();
    pim = await router.register({ protocolId: Protocols.pim, alerts: ALERTS });
    igmp = await router.register({ protocolId: Protocols.igmp, alerts: ALERTS });
    dvmrp = await router.register({ protocolId: Protocols.dvmrp, alerts: ALERTS });
  });

  const members = async () => ok(await router.request('members', { group: GROUP })).items;
  const mail = async ({ handle }: RawSession) =>
    ok(await router.request('mailbox', { handle, from: 0 })).messages;
  const types = async (session: RawSession) => (await mail(session)).map(({ type }) => type);

  describe('interface.set', () => {
    const set = (session: RawSession, fields: object) =>
      session.change('interface.set', { ifIndex: 1, ...fields });

    it('has one event with the changed settings, and none where nothing changes', async () => {
      ok(await pim.take(1));
      expect(ok(await set(pim, { localMembers: 'advise', wrongIf: true })).changed).toBe(true);
      expect(ok(await set(pim, { localMembers: 'advise' })).changed).toBe(false);
      const { events } = ok(await router.request('events', { from: 0 }));
      const changed = events.filter(({ type }) => type === 'interface-set');
      expect(changed).toMatchObject([
        {
          ...{ session: pim.session, ifIndex: 1, nextHop: '', cause: 'policy' },
          ...{ localMembers: 'advise', wrongIf: true },
        },
      ]);
    });

    it('ends with the hold, and survives inheritance', async () => {
      ok(await pim.take(1));
      ok(await set(pim, { localMembers: 'advise' }));
      const again = { ...pim.asked, instance: 'the next process 1', takeover: true };
      const heir = await router.register(again);
      expect(ok(await set(heir, { localMembers: 'advise' })).changed).toBe(false);
      ok(await heir.change('release', { ifIndex: 1 }));
      ok(await heir.take(1));
      expect(ok(await set(heir, { localMembers: 'advise' })).changed).toBe(true);
    });

    it('is refused to anyone but the routing protocol that owns the interface', async () => {
      ok(await igmp.take(1));
      expectRefused(await set(igmp, { wrongIf: true }), 87, 'not-owner');
      expectRefused(await set(pim, { wrongIf: true }), 87, 'not-owner');
      expectRefused(await pim.change('interface.set', { ifIndex: 9 }), 87, 'not-found');
      ok(await pim.take(1));
      expectRefused(await set(pim, { wrongIf: true, epoch: '1' }), 87, 'not-owner');
    });
  });

  it("raises LOCAL alerts for IGMP's memberships under advise, which count for no client", async () => {
    ok(await pim.change('take', { ifIndex: 1, localMembers: 'advise' }));
    ok(await igmp.take(1));
    ok(await igmp.change('member.add', { ifIndex: 1, group: GROUP }));
    expect(await members()).toEqual([[GROUP, '', 1, '', igmp.session, 0]]);
    expect(await types(pim)).toEqual(['LOCAL_JOIN']);
    expect(await types(dvmrp)).toEqual([]);
    ok(await pim.change('member.add', { ifIndex: 1, group: GROUP }));
    expect(await types(dvmrp)).toEqual(['JOIN_ALERT']);
  });

  it('opens a window for IGMP where localMembers changes, with the rev of the event', async () => {
    ok(await pim.take(1));
    ok(await igmp.take(1));
    ok(await igmp.change('member.add', { ifIndex: 1, group: GROUP }));
    const { rev } = ok(await pim.change('interface.set', { ifIndex: 1, localMembers: 'advise' }));
    expect((await mail(igmp)).slice(-2)).toMatchObject([
      { type: 'DISABLE_IGMP', rev, cause: 'policy' },
      { type: 'ENABLE_IGMP', rev, cause: 'policy' },
    ]);
    expect(await members()).toEqual([]);
    await eventually(async () => {
      const [, prune] = await mail(dvmrp);
      expect(prune).toMatchObject({ type: 'PRUNE_ALERT', cause: 'policy' });
      expect(prune).not.toHaveProperty('window');
    }, WITHIN);
    expect(await types(pim)).toEqual(['LOCAL_JOIN']);
  });

  describe('member.set', () => {
    const set = (session: RawSession, mode: string, sources: unknown[] = [], fields = {}) =>
      session.change('member.set', { ifIndex: 1, group: GROUP, mode, sources, ...fields });

    it('replaces what the caller has of the group', async () => {
      ok(await pim.take(1));
      const two = ok(await set(pim, 'include', ['10.0.0.1', '10.0.0.2']));
      expect(two).toMatchObject({ added: 2, removed: 0, updated: false, mrev: 2 });
      const one = ok(await set(pim, 'include', ['10.0.0.2']));
      expect(one).toMatchObject({ added: 0, removed: 1, updated: false, mrev: 3 });
      const all = ok(await set(pim, 'exclude', ['10.0.0.9', '10.0.0.1']));
      expect(all).toMatchObject({ added: 1, removed: 1, updated: true, mrev: 6 });
      const { session } = pim;
      const listed = [GROUP, '', 1, '', session, session, ['10.0.0.1', '10.0.0.9']];
      expect(await members()).toEqual([listed]);
      expect(ok(await set(pim, 'none'))).toMatchObject({ added: 0, removed: 1, updated: false });
      expect(await members()).toEqual([]);
    });

    it('writes an event and a LOCAL_JOIN with update for another exclude list', async () => {
      ok(await pim.take(1));
      ok(await igmp.take(1));
      ok(await set(igmp, 'exclude'));
      ok(await set(igmp, 'exclude', ['10.0.0.1']));
      expect((await mail(pim)).slice(-1)).toMatchObject([
        {
          ...{ type: 'LOCAL_JOIN', update: true, mode: 'exclude', exclude: ['10.0.0.1'] },
          items: [[GROUP, '', 1, '']],
        },
      ]);
      const { events } = ok(await router.request('member.events', { from: 1 }));
      const items = [[GROUP, '', 1, '', ['10.0.0.1']]];
      expect(events).toMatchObject([{ type: 'updated', first: 2, mrev: 2, items }]);
      expect(await types(dvmrp)).toEqual(['JOIN_ALERT']);
    });

    it('leaves out the interface from forwarding entries of an excluded source', async () => {
      ok(await pim.take(2));
      ok(await dvmrp.take(1));
      ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 2, '', '', Protocols.pim]] }));
      const flows = ['10.0.0.1', '10.0.0.2'].map((source) => [GROUP, source, 2, '']);
      ok(await set(dvmrp, 'exclude', ['10.0.0.1']));
      ok(await router.request('flow.new', { handle: dvmrp.handle, flows }));
      const oifs = async (source: string) =>
        ok(await router.request('mfe.get', { group: GROUP, source })).mfe.oifs;
      expect([await oifs('10.0.0.1'), await oifs('10.0.0.2')]).toEqual([[], [[1, '']]]);
      ok(await set(dvmrp, 'exclude', ['10.0.0.2']));
      expect([await oifs('10.0.0.1'), await oifs('10.0.0.2')]).toEqual([[[1, '']], []]);
    });

    it('is refused like member.add, and changes nothing then', async () => {
      ok(await pim.take(1));
      ok(await dvmrp.take(2));
      const elsewhere = (ifIndex: number) => set(pim, 'exclude', [], { ifIndex });
      expectRefused(await elsewhere(2), 87, 'not-owner');
      expectRefused(await elsewhere(9), 87, 'not-found');
      expectRefused(await set(pim, 'exclude', [], { epoch: '1' }), 87, 'not-owner');
      const ssm = { group: '232.1.1.1' };
      expectRefused(await set(pim, 'exclude', [], ssm), 87, 'ssm-needs-source');
      expect(await members()).toEqual([]);
      expect(ok(await set(pim, 'include', ['10.0.0.1'], ssm)).added).toBe(1);
    });
  });
});
