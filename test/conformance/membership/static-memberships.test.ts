import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import { Protocols, type RawRouter, type RawSession } from '../../support/raw-client.ts';
import {
  ALERTS,
  alertsAfter,
  groupText,
  listAll,
  mailAfter,
  membershipsAfter,
  settled,
} from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import { overReplicas } from '../../support/stage.ts';

/** Section 10 of the forwarding contract: memberships that operators configure. */

const GROUP = '239.1.2.3';
const BY = { actor: 'anna', why: 'receivers without IGMP' };
const PER_INTERFACE_MAX = 1024;
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

  const configure = (group: unknown = GROUP, fields = {}) =>
    router.request('admin.member.add', { ifIndex: 1, group, ...BY, ...fields });
  const remove = (group: unknown = GROUP, fields = {}) =>
    router.request('admin.member.delete', { ifIndex: 1, group, ...BY, ...fields });
  const members = () => listAll(router, 'members');
  const isStatic = (countsFor: number) => [[GROUP, '', 1, '', 0, countsFor]];
  const activeFor = ({ session }: RawSession) =>
    eventually(async () => expect(await members()).toEqual(isStatic(session)), WITHIN);
  /** The alerts of DVMRP, which holds no interface: `<type> <cause>`. */
  const alerts = async () =>
    (await alertsAfter(dvmrp)).map(
      ({ type, cause, window }) => `${type} ${cause}${window === true ? ' window' : ''}`,
    );

  describe('a static membership', () => {
    it('is dormant while no client is on the interface: listed by `members`, without any other effect', async () => {
      expect(ok(await configure())).toMatchObject({ changed: true, mrev: 1 });
      expect(await members()).toEqual(isStatic(0));
      expect(await listAll(router, 'groups')).toEqual([]);
      expect(await alerts()).toEqual([]);
    });

    it('counts for the owner that takes the interface, and for no client once it has left', async () => {
      ok(await configure());
      ok(await pim.take(1));
      await activeFor(pim);
      expect(await listAll(router, 'groups')).toMatchObject([[GROUP, '', 1, true, false, false]]);
      ok(await pim.release(1));
      expect(await members()).toEqual(isStatic(0));
      expect(await listAll(router, 'groups')).toEqual([]);
      await settled(router);
      expect(await alerts()).toEqual(['JOIN_ALERT admin', 'PRUNE_ALERT release']);
      expect(await membershipsAfter(router, 1)).toEqual([]);
    });

    it('counts for a present owner immediately, and raises JOIN and PRUNE for the others', async () => {
      ok(await pim.take(1));
      ok(await configure());
      expect(await members()).toEqual(isStatic(pim.session));
      expect(await alertsAfter(pim)).toEqual([]);
      expect(ok(await remove())).toMatchObject({ changed: true, mrev: 2 });
      expect(await members()).toEqual([]);
      expect(await alerts()).toEqual(['JOIN_ALERT admin', 'PRUNE_ALERT admin']);
    });

    it('counts for IGMP where it is alone, with a window when the owner comes and goes', async () => {
      ok(await igmp.take(1));
      ok(await configure());
      expect(await members()).toEqual(isStatic(igmp.session));
      ok(await pim.take(1));
      await activeFor(pim);
      ok(await pim.release(1));
      await activeFor(igmp);
      await settled(router);
      expect(await alerts()).toEqual([
        'JOIN_ALERT admin',
        'PRUNE_ALERT take window',
        'JOIN_ALERT admin',
        'PRUNE_ALERT release window',
        'JOIN_ALERT admin',
      ]);
      expect(await membershipsAfter(router, 1)).toEqual([]);
    });

    it('counts for the owner also with `advise`, without LOCAL alerts', async () => {
      ok(await igmp.take(1));
      ok(await configure());
      ok(await pim.change('take', { ifIndex: 1, localMembers: 'advise' }));
      await activeFor(pim);
      ok(await pim.change('interface.set', { ifIndex: 1, localMembers: 'forward' }));
      expect(await members()).toEqual(isStatic(pim.session));
      const types = (await mailAfter(pim)).map(({ type }) => type);
      expect(types).not.toContain('LOCAL_JOIN');
    });

    it.each(['evict', 'deregister'] as const)('is dormant after %s of its client', async (end) => {
      ok(await pim.take(1));
      ok(await configure());
      if (end === 'deregister') ok(await pim.deregister({ force: true }));
      else ok(await router.request('admin.evict', { session: pim.session, ...BY }));
      expect(await members()).toEqual(isStatic(0));
      await settled(router);
      expect(await alerts()).toMatchObject(['JOIN_ALERT admin', expect.stringMatching(/^PRUNE/)]);
      ok(await dvmrp.take(1));
      await activeFor(dvmrp);
    });

    it('cannot be deleted by a session, whose own membership is another one', async () => {
      ok(await pim.take(1));
      ok(await configure());
      expectRefused(await pim.delete(1, GROUP), 1168, 'no-membership');
      expect(ok(await pim.add(1, GROUP))).toMatchObject({ changed: true });
      expect(await members()).toHaveLength(2);
      ok(await pim.delete(1, GROUP));
      expect(await members()).toEqual(isStatic(pim.session));
    });

    it('is an outgoing interface while it is active', async () => {
      ok(await pim.take(2));
      ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 2, '', '', Protocols.pim]] }));
      const source = '10.0.0.1';
      ok(await configure());
      ok(
        await router.request('flow.new', { handle: dvmrp.handle, flows: [[GROUP, source, 2, '']] }),
      );
      const oifs = async () =>
        ok(await router.request('mfe.get', { group: GROUP, source })).mfe.oifs;
      expect(await oifs()).toEqual([]);
      ok(await dvmrp.take(1));
      await eventually(async () => expect(await oifs()).toEqual([[1, '']]), WITHIN);
      ok(await dvmrp.release(1));
      expect(await oifs()).toEqual([]);
    });

    it('may be of a source, of all groups, and on a next hop', async () => {
      ok(await configure(GROUP, { group: undefined, nextHop: '10.0.0.9' }));
      ok(await configure('232.1.1.1', { source: '10.0.0.1' }));
      expect(await members()).toEqual([
        ['', '', 1, '10.0.0.9', 0, 0],
        ['232.1.1.1', '10.0.0.1', 1, '', 0, 0],
      ]);
    });
  });

  describe('requests of operators', () => {
    it('that are repeated change nothing, or find nothing', async () => {
      ok(await configure());
      expect(ok(await configure())).toMatchObject({ changed: false, mrev: 1 });
      ok(await remove());
      expectRefused(await remove(), 1168, 'not-found');
      expect(await membershipsAfter(router, 0)).toMatchObject([
        { first: 1, type: 'joined', cause: 'admin', session: 0, ...BY },
        { first: 2, type: 'left', cause: 'admin', session: 0, ...BY },
      ]);
      const { events } = ok(await router.request('admin.events', { from: 0 }));
      expect(events).toMatchObject([
        { type: 'joined', operation: 'admin.member.add', ifIndex: 1, group: GROUP, ...BY },
        { type: 'left', operation: 'admin.member.delete', ifIndex: 1, group: GROUP, ...BY },
        { type: 'refused', operation: 'admin.member.delete', ...BY },
      ]);
    });

    it('are refused without actor or why, and for a group of SSM without source', async () => {
      expectRefused(await configure(GROUP, { why: undefined }), 87, 'bad-request', {
        field: 'why',
      });
      expectRefused(await configure(GROUP, { actor: '' }), 87, 'bad-request', { field: 'actor' });
      expectRefused(await configure('232.1.1.1'), 87, 'ssm-needs-source');
      expect(await members()).toEqual([]);
    });

    it('configure no more than 1024 on an interface', async () => {
      const groups = Array.from({ length: PER_INTERFACE_MAX }, (_, at) => groupText(at));
      await Promise.all(groups.map(async (group) => ok(await configure(group))));
      expect(await configure('239.9.9.9')).toMatchObject({ reason: 'limit' });
      expect(ok(await configure(groups[0]))).toMatchObject({ changed: false });
      ok(await configure('239.9.9.9', { ifIndex: 2 }));
      ok(await remove(groups[0]));
      ok(await configure('239.9.9.9'));
      expect(await members()).toHaveLength(PER_INTERFACE_MAX + 1);
    });
  });
});
