import { describe, expect, it } from 'vitest';
import { expectRefused } from '../../support/expectations.ts';
import {
  ALERTS,
  alertsAfter,
  elements,
  groupText,
  listAll,
  membershipsAfter,
} from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import { pairs, Protocols } from '../../support/raw-client.ts';
import { enter } from '../../support/scene.ts';
import { overReplicas } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const SOURCE = '10.0.0.1';
const FORWARD = 2;

overReplicas((stage) => {
  describe('section 4.1: `alerts` of register', () => {
    it('answers the known types in the order of the contract', async () => {
      const router = stage.router();
      const alerts = ['LOCAL_LEAVE', 'CREATION_ALERT_OF_TOMORROW', 'JOIN_ALERT', 'JOIN_ALERT'];
      const { registered } = await router.register({ alerts });
      expect(registered.alerts).toEqual(['JOIN_ALERT', 'LOCAL_LEAVE']);
      const all = await router.register({ componentId: 2, alerts: [...ALERTS].reverse() });
      expect(all.registered.alerts).toEqual(ALERTS);
    });

    it('without it, or with an empty list, no type is sent', async () => {
      const router = stage.router();
      expect((await router.register()).registered.alerts).toEqual([]);
      const other = await router.register({ componentId: 2, alerts: [] });
      expect(other.registered.alerts).toEqual([]);
    });

    it.each([
      ['alerts', 'JOIN_ALERT'],
      ['alerts', Array<string>(33).fill('x')],
      ['alerts[1]', ['JOIN_ALERT', 7]],
    ])('is refused with field %s', async (field, alerts) => {
      const router = stage.router();
      const instance = 'x'.repeat(16);
      const fields = { protocolId: Protocols.pim, componentId: 1, instance, alerts };
      expectRefused(await router.request('register', fields), 87, 'bad-request', { field });
    });

    it('the same instance again gets the first reply, whatever it asks for', async () => {
      const router = stage.router();
      const { asked, registered } = await router.register({ alerts: ['JOIN_ALERT'] });
      const again = await router.request('register', { ...asked, alerts: ['LOCAL_JOIN'] });
      expect(again).toMatchObject({ handle: registered.handle, alerts: ['JOIN_ALERT'] });
    });

    it('a session that inherits has the `alerts` of its own register', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const next = await router.register({
        ...{ protocolId: Protocols.dvmrp, takeover: true, alerts: ['JOIN_ALERT'] },
      });
      ok(await clients.pim.add(7, GROUP));
      ok(await clients.pim.delete(7, GROUP));
      expect(await alertsAfter(next)).toMatchObject([{ seq: 1, type: 'JOIN_ALERT' }]);
      const last = await router.register({ protocolId: Protocols.dvmrp, takeover: true });
      ok(await clients.pim.add(7, GROUP));
      expect(await alertsAfter(last)).toEqual([]);
    });
  });

  describe('section 4.2: the single form', () => {
    it('add creates, a further add has no effect, delete removes, a further delete is refused', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      const rev = await router.rev();
      expect(await pim.add(7, GROUP)).toMatchObject({ status: 0, changed: true, mrev: 1 });
      expect(await pim.add(7, GROUP)).toMatchObject({ status: 0, changed: false, mrev: 1 });
      expect(await pim.delete(7, GROUP)).toMatchObject({ status: 0, changed: true, mrev: 2 });
      expectRefused(await pim.delete(7, GROUP), 1168, 'no-membership');
      const types = (await membershipsAfter(router, 0)).map(({ type }) => type);
      expect(types).toEqual(['joined', 'left']);
      // Memberships never change `rev`.
      expect(await router.rev()).toBe(rev);
    });

    it('has no fields of the bulk form, and the bulk form none of it', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      const single = await clients.pim.add(7, GROUP);
      expect(single).not.toHaveProperty('count');
      expect(single).not.toHaveProperty('failed');
      expect(single).not.toHaveProperty('matched');
      const bulk = await clients.pim.bulk('member.add', [[7, '', GROUP, '']]);
      expect(bulk).not.toHaveProperty('changed');
    });

    it('(s,g), (*,g) and (*,*) are independent', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      for (const [group, source] of [
        ['', ''],
        [GROUP, ''],
        [GROUP, SOURCE],
      ]) {
        expect(await pim.add(7, group, { source })).toMatchObject({ changed: true });
      }
      expect(await pim.delete(7, GROUP)).toMatchObject({ changed: true });
      const listed = (await listAll(router, 'members')).map(([group, source]) => [group, source]);
      expect(listed).toEqual([
        ['', ''],
        [GROUP, SOURCE],
      ]);
    });

    it('a client has an entry on each of its interfaces separately', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      ok(await pim.take(7, '10.0.0.9'));
      expect(await pim.add(7, GROUP)).toMatchObject({ changed: true });
      const hop = { ifIndex: 7, nextHop: '::ffff:10.0.0.9', group: GROUP };
      expectRefused(await pim.change('member.add', hop), 87, 'not-found');
      const right = { ...hop, nextHop: 0x0a000009 };
      expect(await pim.change('member.add', right)).toMatchObject({ changed: true });
      const on = (await listAll(router, 'members')).map(([, , ifIndex, nextHop]) => [
        ifIndex,
        nextHop,
      ]);
      expect(on.toSorted()).toEqual([
        [7, ''],
        [7, '10.0.0.9'],
      ]);
    });

    it('FORWARD of a wildcard covers no forwarding entry, and memberships stay', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      ok(await pim.add(7, GROUP));
      for (const op of ['member.add', 'member.delete'] as const) {
        for (const group of ['', '::', GROUP]) {
          const reply = await pim.change(op, { ifIndex: 7, group, flags: FORWARD });
          expect(reply).toMatchObject({ status: 0, changed: false, matched: 0, mrev: 1 });
        }
        const bulk = await pim.bulk(op, [[7, '', GROUP, '', FORWARD]]);
        expect(bulk).toMatchObject({ count: 0, failed: [], mrev: 1 });
      }
      expect(await listAll(router, 'members')).toHaveLength(1);
    });

    it('needs one of the forms, and not both', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      const neither = await clients.pim.change('member.add', { group: GROUP });
      expectRefused(neither, 87, 'bad-request', { field: 'ifIndex' });
      const entries = [[7, '', GROUP, '']];
      for (const single of [{ ifIndex: 7 }, { group: GROUP }, { epoch: '1' }, { flags: 1 }]) {
        const both = await clients.pim.change('member.add', { entries, ...single });
        expectRefused(both, 87, 'bad-request', { field: 'entries' });
      }
    });
  });

  describe('section 4.2: the bulk form', () => {
    it('has 1 to 256 elements', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      for (const entries of [[], elements(7, 257)]) {
        const reply = await pim.change('member.add', { entries });
        expectRefused(reply, 87, 'bad-request', { field: 'entries' });
      }
      const reply = await pim.bulk('member.add', elements(7, 256));
      expect(reply).toMatchObject({ status: 0, count: 256, failed: [], mrev: 256 });
      expect(await pim.bulk('member.delete', elements(7, 256))).toMatchObject({ count: 256 });
      expect(await listAll(router, 'members')).toEqual([]);
    });

    it('decides each element by itself, in order, as if it had come alone', async () => {
      const { clients } = await enter(stage, 'S3(pim)');
      const { pim, dvmrp } = clients;
      ok(await dvmrp.take(8));
      const bulk = await pim.bulk('member.add', [
        [7, '', GROUP, ''],
        [8, '', GROUP, ''],
        [7, '', GROUP, ''],
        [9, '', GROUP, ''],
        [7, '', '232.1.1.1', ''],
        [7, '', GROUP, SOURCE],
        [7, '', GROUP, SOURCE, FORWARD],
        [7, '', '10.0.0.1', ''],
        [7, '', '', ''],
      ]);
      expect(bulk).toEqual({
        ...{ status: 0, rev: expect.any(Number), count: 3, mrev: 3 },
        failed: [
          [1, 87, 'not-owner'],
          [3, 87, 'not-found'],
          [4, 87, 'ssm-needs-source'],
          [6, 1003, 'no-mfe'],
          [7, 87, 'bad-request', 'group'],
        ],
      });
      const deleted = await pim.bulk('member.delete', [
        [7, '', GROUP, ''],
        [7, '', GROUP, ''],
        [9, '', GROUP, ''],
      ]);
      const failed = [
        [1, 1168, 'no-membership'],
        [2, 1168, 'not-found'],
      ];
      expect(deleted).toMatchObject({ status: 0, count: 1, failed, mrev: 4 });
    });

    it('has status 0 also when every element is refused', async () => {
      const { clients } = await enter(stage);
      const reply = ok(await clients.pim.bulk('member.add', elements(7, 256)));
      expect(reply).toMatchObject({ count: 0, mrev: 0 });
      expect(reply.failed).toHaveLength(256);
      expect(reply.failed.at(-1)).toEqual([255, 87, 'not-found']);
    });

    it('is one atomic step over many interfaces: no reader sees a part of it', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(128)));
      const entries = pairs(128).flatMap(([ifIndex]) => [
        [ifIndex, '', GROUP, ''],
        [ifIndex, '', groupText(1), ''],
      ]);
      let isDone = false;
      const changing = (async () => {
        for (let round = 0; round < 10; round++) {
          ok(await clients.pim.bulk('member.add', entries));
          ok(await clients.pim.bulk('member.delete', entries));
        }
      })().finally(() => (isDone = true));
      const seen = new Set<number>();
      while (!isDone) {
        seen.add(ok(await router.request('members', { limit: 1000 })).items.length);
      }
      await changing;
      expect([...seen].filter((count) => count !== 0 && count !== 256)).toEqual([]);
    });

    it('256 elements of which one changes nothing count 255', async () => {
      const { clients } = await enter(stage, 'S2(pim)');
      ok(await clients.pim.add(7, groupText(100)));
      const reply = await clients.pim.bulk('member.add', elements(7, 256));
      expect(reply).toMatchObject({ count: 255, failed: [], mrev: 256 });
    });
  });

  describe('section 4.2: entries on very many interfaces', () => {
    it('one entry on 1100 interfaces of a client is added, listed and deleted one by one', async () => {
      const { router, clients } = await enter(stage);
      const { pim, dvmrp } = clients;
      ok(await dvmrp.take(9999));
      ok(await dvmrp.add(9999, GROUP));
      const all = pairs(1100);
      for (let at = 0; at < all.length; at += 275) {
        ok(await pim.takeAll(all.slice(at, at + 275)));
      }
      // 48 and 49 are the sizes at which a store may change how it keeps the interfaces of an entry.
      let mrev = 1;
      for (const [from, to] of [
        [0, 48],
        [48, 49],
        [49, 300],
        [300, 550],
        [550, 800],
        [800, 1050],
        [1050, 1100],
      ]) {
        const entries = all.slice(from, to).map(([ifIndex]) => [ifIndex, '', GROUP, '']);
        mrev += entries.length;
        const reply = await pim.bulk('member.add', entries);
        expect(reply).toMatchObject({ count: entries.length, failed: [], mrev });
        expect(await pim.bulk('member.add', entries)).toMatchObject({ count: 0, mrev });
      }
      const onInterfaces = async () => {
        const items = await listAll(router, 'members', { session: pim.session });
        return items.map(([, , ifIndex]) => Number(ifIndex)).toSorted((a, b) => a - b);
      };
      expect(await onInterfaces()).toEqual(all.map(([ifIndex]) => ifIndex));
      expect(await listAll(router, 'groups')).toEqual([[GROUP, '', 2, true, false, false]]);
      // Every third is deleted, then all but ten.
      const third = all
        .filter((_, at) => at % 3 === 0)
        .map(([ifIndex]) => [ifIndex, '', GROUP, '']);
      for (let at = 0; at < third.length; at += 256) {
        ok(await pim.bulk('member.delete', third.slice(at, at + 256)));
      }
      const left = all.filter((_, at) => at % 3 !== 0).map(([ifIndex]) => ifIndex);
      expect(await onInterfaces()).toEqual(left);
      expectRefused(await pim.delete(all[3]?.[0] ?? 0, GROUP), 1168, 'no-membership');
      const rest = left.slice(10).map((ifIndex) => [ifIndex, '', GROUP, '']);
      for (let at = 0; at < rest.length; at += 200) {
        ok(await pim.bulk('member.delete', rest.slice(at, at + 200)));
        expect(await onInterfaces()).toHaveLength(10 + Math.max(0, rest.length - at - 200));
      }
      expect(await onInterfaces()).toEqual(left.slice(0, 10));
    });
  });
});
