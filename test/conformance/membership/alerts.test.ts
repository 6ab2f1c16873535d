import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectPushedMailbox } from '../../support/expectations.ts';
import {
  ALERTS,
  alertsAfter,
  elements,
  groupText,
  mailAfter,
} from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import { pairs, Protocols, type RawRouter, type RawSession } from '../../support/raw-client.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const SOURCE = '10.0.0.1';
const WITHIN = { withinMs: 30_000 };

overReplicas((stage) => {
  describe('section 5.1: messages', () => {
    it('a JOIN_ALERT has these fields, and a PRUNE_ALERT those', async () => {
      const { pim, dvmrp } = await four(stage);
      ok(await pim.add(1, GROUP));
      ok(await pim.delete(1, GROUP));
      const ts = expect.any(Number);
      expect(await dvmrp.mailbox()).toEqual([
        {
          ...{ seq: 1, ts, type: 'JOIN_ALERT', memberUpdate: true, items: [[GROUP, '']] },
          ...{ mrev: 1, cause: 'member' },
        },
        {
          ...{ seq: 2, ts, type: 'PRUNE_ALERT', memberDelete: true, mrev: 2, cause: 'member' },
          items: [[GROUP, '', 1, '', false]],
        },
      ]);
    });

    it('LOCAL_JOIN and LOCAL_LEAVE name the interface with the receivers', async () => {
      const { pim, igmp } = await four(stage);
      const hop = { ifIndex: 5, nextHop: '10.0.0.9' };
      ok(await pim.change('take', hop));
      ok(await igmp.change('take', hop));
      ok(await igmp.change('member.add', { ...hop, group: GROUP, source: SOURCE }));
      ok(await igmp.change('member.delete', { ...hop, group: GROUP, source: SOURCE }));
      const items = [[GROUP, SOURCE, 5, '10.0.0.9']];
      const ts = expect.any(Number);
      expect(await pim.mailbox()).toEqual([
        { seq: 1, ts, type: 'LOCAL_JOIN', items, mrev: 1, cause: 'member' },
        { seq: 2, ts, type: 'LOCAL_LEAVE', items, mrev: 2, cause: 'member' },
      ]);
    });

    it('items of one step share a message, at most 256, in the order of the changes', async () => {
      const { pim, dvmrp } = await four(stage);
      ok(await pim.bulk('member.add', elements(1, 200)));
      ok(await pim.bulk('member.add', elements(1, 256, 200)));
      const [first, second, ...rest] = await alertsAfter(dvmrp);
      expect(rest).toEqual([]);
      expect(first?.items).toEqual(elements(1, 200).map(([, , group]) => [group, '']));
      expect(second?.items).toEqual(elements(1, 256, 200).map(([, , group]) => [group, '']));
      expect([first?.mrev, second?.mrev]).toEqual([200, 456]);
    });

    it('items that differ in a field do not share one, and keep their order', async () => {
      const { pim, dvmrp, igmp } = await four(stage);
      ok(await igmp.take(1));
      // IGMP alone on 4, with pim on 1: LOCAL_JOIN for the second and third, JOIN for all.
      ok(
        await igmp.bulk('member.add', [
          [4, '', groupText(1), ''],
          [1, '', groupText(2), ''],
          [1, '', groupText(3), ''],
        ]),
      );
      expect(await alertsAfter(pim)).toMatchObject([
        { type: 'JOIN_ALERT', items: [[groupText(1), '']], mrev: 3 },
        {
          type: 'LOCAL_JOIN',
          ...{
            items: [
              [groupText(2), '', 1, ''],
              [groupText(3), '', 1, ''],
            ],
            mrev: 3,
          },
        },
      ]);
      const joined = (await alertsAfter(dvmrp)).flatMap(({ items = [] }) => items);
      expect(joined).toEqual([1, 2, 3].map((at) => [groupText(at), '']));
    });

    it('`covered` tells whether others want (*,*) of the family at that moment', async () => {
      const { pim, dvmrp, mospf } = await four(stage);
      const prune = async (client: RawSession) =>
        (await alertsAfter(client)).filter(({ type }) => type === 'PRUNE_ALERT').at(-1)?.items;
      const flap = async (group: string) => {
        ok(await pim.add(1, group));
        ok(await pim.delete(1, group));
      };
      const item = (group: string, covered: boolean) => [[group, '', 1, '', covered]];
      ok(await dvmrp.add(2, ''));
      await flap(GROUP);
      // (*,*) is of dvmrp itself: for dvmrp no other wants it.
      expect(await prune(dvmrp)).toEqual(item(GROUP, false));
      expect(await prune(mospf)).toEqual(item(GROUP, true));
      await flap('ff0e::1');
      expect(await prune(mospf)).toEqual(item('ff0e::1', false));
      ok(await mospf.add(3, ''));
      await flap(groupText(5));
      expect(await prune(dvmrp)).toEqual(item(groupText(5), true));
      expect(await prune(mospf)).toEqual(item(groupText(5), true));
      await flap('::');
      expect(await prune(mospf)).toEqual(item('::', false));
    });

    it('a PRUNE names one of the interfaces from which the entry was removed', async () => {
      const { pim, dvmrp } = await four(stage);
      ok(await pim.takeAll(pairs(3, 20)));
      ok(
        await pim.bulk(
          'member.add',
          pairs(3, 20).map(([at]) => [at, '', GROUP, '']),
        ),
      );
      ok(
        await pim.bulk(
          'member.delete',
          pairs(3, 20).map(([at]) => [at, '', GROUP, '']),
        ),
      );
      const alerts = await alertsAfter(dvmrp);
      expect(alerts).toMatchObject([
        { type: 'JOIN_ALERT', items: [[GROUP, '']], mrev: 3 },
        { type: 'PRUNE_ALERT', items: [[GROUP, '', 22, '', false]], mrev: 6 },
      ]);
      expect(alerts[1]).not.toHaveProperty('window');
    });

    it('is pushed as it is kept, and numbered together with all other callbacks', async () => {
      const { router, pim, igmp } = await four(stage);
      using watch = router.watch();
      ok(await igmp.take(1));
      ok(await igmp.add(4, GROUP));
      ok(await pim.release(1));
      ok(await pim.take(1));
      ok(await pim.add(1, groupText(1)));
      const mail = await mailAfter(igmp);
      expect(mail.map(({ seq, type }) => [seq, type])).toEqual([
        [1, 'DISABLE_IGMP'],
        [2, 'ENABLE_IGMP'],
        [3, 'DISABLE_IGMP'],
        [4, 'ENABLE_IGMP'],
        [5, 'JOIN_ALERT'],
      ]);
      await expectPushedMailbox(igmp, watch);
      await expectPushedMailbox(pim, watch);
    });

    it('is kept until mailboxAck passes it', async () => {
      const { pim, dvmrp } = await four(stage);
      for (let at = 0; at < 4; at++) ok(await pim.add(1, groupText(at)));
      ok(await dvmrp.keepalive({ mailboxAck: 3 }));
      expect((await dvmrp.mailbox()).map(({ seq }) => seq)).toEqual([4]);
      ok(await pim.add(1, groupText(9)));
      expect((await dvmrp.mailbox()).map(({ seq }) => seq)).toEqual([4, 5]);
    });
  });

  describe('section 5.2: JOIN and PRUNE among routing protocols', () => {
    it.each([GROUP, '', '::', 'ff02::1', '224.0.0.1'])(
      'of %s: the first alerts all others, the second the one there, further ones alert no client',
      async (group) => {
        const { pim, dvmrp, mospf, igmp } = await four(stage);
        const all = { pim, dvmrp, mospf, igmp };
        const told = await teller(all);
        ok(await pim.add(1, group));
        expect(await told()).toEqual({ dvmrp: 'JOIN', mospf: 'JOIN', igmp: 'JOIN' });
        ok(await dvmrp.add(2, group));
        expect(await told()).toEqual({ pim: 'JOIN' });
        ok(await mospf.add(3, group));
        expect(await told()).toEqual({});
        ok(await pim.take(30));
        ok(await pim.add(30, group));
        expect(await told()).toEqual({});
        ok(await pim.delete(1, group));
        ok(await mospf.delete(3, group));
        expect(await told()).toEqual({});
        ok(await pim.delete(30, group));
        expect(await told()).toEqual({ dvmrp: 'PRUNE' });
        ok(await dvmrp.delete(2, group));
        expect(await told()).toEqual({ pim: 'PRUNE', mospf: 'PRUNE', igmp: 'PRUNE' });
      },
    );

    it('(*,*) and (*,g) are evaluated separately', async () => {
      const { pim, dvmrp, mospf } = await four(stage);
      const told = await teller({ pim, dvmrp, mospf });
      ok(await pim.add(1, ''));
      expect(await told()).toEqual({ dvmrp: 'JOIN', mospf: 'JOIN' });
      ok(await pim.add(1, GROUP));
      expect(await told()).toEqual({ dvmrp: 'JOIN', mospf: 'JOIN' });
      ok(await pim.delete(1, GROUP));
      expect(await told()).toEqual({ dvmrp: 'PRUNE', mospf: 'PRUNE' });
      ok(await pim.add(1, '::'));
      expect(await told()).toEqual({ dvmrp: 'JOIN', mospf: 'JOIN' });
    });

    it('(s,g) without a route to its source raises neither, and is listed and logged', async () => {
      const { router, pim, dvmrp, mospf } = await four(stage);
      const told = await teller({ pim, dvmrp, mospf });
      ok(await pim.add(1, GROUP, { source: SOURCE }));
      ok(await dvmrp.add(2, GROUP, { source: SOURCE }));
      ok(await pim.delete(1, GROUP, { source: SOURCE }));
      expect(await told()).toEqual({});
      const { head } = ok(await router.request('member.events', { from: 0 }));
      expect(head).toBe(3);
    });

    it('goes to those that listed the type, and not to a session in its grace time', async () => {
      const { router, pim } = await four(stage);
      const only = async (componentId: number, alerts: readonly string[], fields = {}) =>
        await router.register({ componentId, alerts, ...fields });
      const join = await only(21, ['JOIN_ALERT']);
      const prune = await only(22, ['PRUNE_ALERT']);
      const none = await only(23, []);
      const late = await only(24, ALERTS, { ttlMs: 1000, graceMs: 600_000 });
      await eventually(async () => {
        const { items } = ok(await router.request('sessions', {}));
        expect(items.find(({ session }) => session === late.session)?.state).toBe('stale');
      }, WITHIN);
      using watch = router.watch();
      ok(await pim.add(1, GROUP));
      ok(await pim.delete(1, GROUP));
      expect((await join.mailbox()).map(({ type }) => type)).toEqual(['JOIN_ALERT']);
      expect((await prune.mailbox()).map(({ type }) => type)).toEqual(['PRUNE_ALERT']);
      expect(await none.mailbox()).toEqual([]);
      await eventually(() => expect(watch.callbacksOf(prune.session)).toHaveLength(1), WITHIN);
      expect(watch.callbacksOf(late.session)).toEqual([]);
      const back = await router.register({ ...late.asked, instance: 'y'.repeat(16) });
      expect(back.registered.resumed).toBe(true);
      expect(await back.mailbox()).toEqual([]);
    });

    it('is sent to recipients in order of registration', async () => {
      const { router, pim } = await four(stage);
      const others: RawSession[] = [];
      for (let componentId = 40; componentId < 60; componentId++) {
        others.push(await router.register({ componentId, alerts: ALERTS }));
      }
      using watch = router.watch();
      await router.nats.flush();
      ok(await pim.add(1, GROUP));
      const sent = () =>
        watch.raw.map(({ subject }) => subject).filter((one) => one.startsWith('callback.'));
      await eventually(() => expect(sent()).toHaveLength(23), WITHIN);
      const sessions = sent().map((subject) => Number(subject.split('.')[1]));
      expect(sessions.slice(-20)).toEqual(others.map(({ session }) => session));
    });
  });

  describe('section 5.3: IGMP', () => {
    it('on an interface of P: LOCAL_JOIN to P, JOIN to all others but not to P and IGMP', async () => {
      const { pim, dvmrp, mospf, igmp } = await four(stage);
      const told = await teller({ pim, dvmrp, mospf, igmp });
      ok(await igmp.take(1));
      await told();
      ok(await igmp.add(1, GROUP));
      expect(await told()).toEqual({ pim: 'LOCAL_JOIN', dvmrp: 'JOIN', mospf: 'JOIN' });
      ok(await igmp.add(1, GROUP));
      expect(await told()).toEqual({});
      ok(await igmp.delete(1, GROUP));
      expect(await told()).toEqual({ pim: 'LOCAL_LEAVE', dvmrp: 'PRUNE', mospf: 'PRUNE' });
      ok(await igmp.add(1, GROUP, { source: SOURCE }));
      expect(await told()).toEqual({ pim: 'LOCAL_JOIN' });
    });

    it('alone on an interface: no LOCAL alert, JOIN to all routing protocols', async () => {
      const { pim, dvmrp, mospf, igmp } = await four(stage);
      const told = await teller({ pim, dvmrp, mospf, igmp });
      ok(await igmp.add(4, GROUP));
      expect(await told()).toEqual({ pim: 'JOIN', dvmrp: 'JOIN', mospf: 'JOIN' });
      ok(await igmp.delete(4, GROUP));
      expect(await told()).toEqual({ pim: 'PRUNE', dvmrp: 'PRUNE', mospf: 'PRUNE' });
    });

    it('P may have the same entry there; both memberships exist independently', async () => {
      const { pim, dvmrp, mospf, igmp } = await four(stage);
      const told = await teller({ pim, dvmrp, mospf, igmp });
      ok(await igmp.take(1));
      ok(await igmp.add(1, GROUP));
      await told();
      ok(await pim.add(1, GROUP));
      // IGMP is a recipient like others: now a routing protocol wants the entry.
      expect(await told()).toEqual({ igmp: 'JOIN' });
      ok(await igmp.delete(1, GROUP));
      expect(await told()).toEqual({ pim: 'LOCAL_LEAVE' });
      ok(await pim.delete(1, GROUP));
      expect(await told()).toEqual({ dvmrp: 'PRUNE', mospf: 'PRUNE', igmp: 'PRUNE' });
    });

    it('LOCAL comes before JOIN in one step', async () => {
      const { router, pim, dvmrp, igmp } = await four(stage);
      ok(await igmp.take(1));
      using watch = router.watch();
      await router.nats.flush();
      ok(await igmp.add(1, GROUP));
      const sent = () =>
        watch.raw.map(({ subject }) => subject).filter((one) => one.startsWith('callback.'));
      await eventually(() => expect(sent()).toHaveLength(3), WITHIN);
      expect(sent()[0]).toBe(`callback.${pim.session}`);
      expect(sent()[1]).toBe(`callback.${dvmrp.session}`);
    });
  });
});

interface Four {
  readonly router: RawRouter;
  readonly pim: RawSession;
  readonly dvmrp: RawSession;
  readonly mospf: RawSession;
  readonly igmp: RawSession;
}

/** pim on 1, dvmrp on 2, mospf on 3, IGMP alone on 4; registered in this order with all alerts. */
async function four(stage: Stage): Promise<Four> {
  const router = stage.router();
  const register = async (protocolId: number, componentId: number, ifIndex: number) => {
    const session = await router.register({ protocolId, componentId, alerts: ALERTS });
    ok(await session.take(ifIndex));
    return session;
  };
  const pim = await register(Protocols.pim, 1, 1);
  const dvmrp = await register(Protocols.dvmrp, 1, 2);
  const mospf = await register(Protocols.dvmrp, 2, 3);
  const igmp = await register(Protocols.igmp, 1, 4);
  return { router, pim, dvmrp, mospf, igmp };
}

/** A function that says which alert each client has got since the last call. */
async function teller(clients: Readonly<Record<string, RawSession>>) {
  const last = new Map<string, number>();
  const told = async (): Promise<Record<string, string>> => {
    const news: Record<string, string> = {};
    for (const [name, client] of Object.entries(clients)) {
      const mail = await client.mailbox(last.get(name) ?? 0);
      last.set(name, mail.at(-1)?.seq ?? last.get(name) ?? 0);
      const alerts = mail.filter(({ items }) => items !== undefined);
      if (alerts.length === 0) continue;
      news[name] = alerts.map(({ type }) => type.replace('_ALERT', '')).join(', ');
    }
    return news;
  };
  await told();
  return told;
}
