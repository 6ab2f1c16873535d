import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectRefused } from '../../support/expectations.ts';
import {
  ALERTS,
  alertsAfter,
  elements,
  groupText,
  listAll,
  mailAfter,
  membershipsAfter,
  settled,
} from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import {
  newInstance,
  pairs,
  Protocols,
  type RawRouter,
  type RawSession,
} from '../../support/raw-client.ts';
import type { Fields } from '../../support/raw-codec.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const OTHER = '239.1.1.2';
const SOURCE = '10.0.0.1';
const ADMIN = { actor: 'operator', why: 'a test' };
const WITHIN = { withinMs: 30_000 };

overReplicas((stage) => {
  describe('section 5.4: a window', () => {
    it('opens when a routing protocol takes the interface; IGMP adds again, and then it counts for the owner', async () => {
      const { router, pim, dvmrp, igmp } = await three(stage);
      ok(await igmp.take(7));
      ok(
        await igmp.bulk('member.add', [
          [7, '', GROUP, ''],
          [7, '', OTHER, SOURCE],
        ]),
      );
      const from = await positions({ pim, dvmrp, igmp });
      ok(await pim.take(7));
      // Withdrawn in the same atomic step.
      expect(await listAll(router, 'members')).toEqual([]);
      await settled(router);
      const prune = {
        ...{ type: 'PRUNE_ALERT', cause: 'take', window: true },
        items: [[GROUP, '', 7, '', false]],
      };
      expect(await alertsAfter(pim, from['pim'])).toMatchObject([prune]);
      expect(await alertsAfter(dvmrp, from['dvmrp'])).toMatchObject([prune]);
      expect((await mailAfter(igmp, from['igmp'])).map(({ type }) => type)).toEqual([
        'DISABLE_IGMP',
        'ENABLE_IGMP',
      ]);
      const left = await membershipsAfter(router, 2);
      expect(left.flatMap(({ items }) => items)).toHaveLength(2);
      expect(left[0]).toMatchObject({ type: 'left', cause: 'take', ...igmp.named });
      expect(left[0]).toMatchObject({ countsFor: igmp.session });

      const then = await positions({ pim, dvmrp });
      ok(await igmp.add(7, GROUP));
      expect(await alertsAfter(pim, then['pim'])).toMatchObject([{ type: 'LOCAL_JOIN' }]);
      expect(await alertsAfter(dvmrp, then['dvmrp'])).toMatchObject([{ type: 'JOIN_ALERT' }]);
      const listed = [GROUP, '', 7, '', igmp.session, pim.session];
      expect(await listAll(router, 'members')).toEqual([listed]);
    });

    it('opens when it is released: no LOCAL_LEAVE, and afterwards it counts for IGMP', async () => {
      const { router, pim, dvmrp, igmp } = await three(stage);
      ok(await pim.take(7));
      ok(await igmp.take(7));
      ok(await igmp.add(7, GROUP));
      const from = await positions({ pim, dvmrp });
      ok(await pim.release(7));
      await settled(router);
      expect(await alertsAfter(pim, from['pim'])).toEqual([]);
      expect(await alertsAfter(dvmrp, from['dvmrp'])).toMatchObject([
        { type: 'PRUNE_ALERT', cause: 'release', window: true },
      ]);
      ok(await igmp.add(7, GROUP));
      expect(await alertsAfter(pim, from['pim'])).toMatchObject([{ type: 'JOIN_ALERT' }]);
      const listed = [GROUP, '', 7, '', igmp.session, igmp.session];
      expect(await listAll(router, 'members')).toEqual([listed]);
    });

    it.each([
      ['expire', undefined],
      ['evict', undefined],
      ['admin', undefined],
    ])(
      'opens when it is lost, cause %s: IGMP gets the pair, the PRUNE has no `window`',
      async (cause) => {
        const { router, dvmrp, igmp } = await three(stage);
        const ttlMs = cause === 'expire' ? 1000 : 300_000;
        const owner = await router.register({ componentId: 9, alerts: ALERTS, ttlMs });
        ok(await owner.take(7));
        ok(await igmp.take(7));
        ok(await igmp.add(7, GROUP));
        const from = await positions({ dvmrp, igmp });
        if (cause === 'evict') {
          ok(await router.request('admin.evict', { session: owner.session, ...ADMIN }));
        }
        if (cause === 'admin') ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
        const pruned = await eventually(async () => {
          const alerts = await alertsAfter(dvmrp, from['dvmrp']);
          expect(alerts).toHaveLength(1);
          return alerts[0];
        }, WITHIN);
        expect(pruned).toMatchObject({
          ...{ type: 'PRUNE_ALERT', cause, items: [[GROUP, '', 7, '', false]] },
        });
        expect(pruned).not.toHaveProperty('window');
        await settled(router);
        const mail = await mailAfter(igmp, from['igmp']);
        expect(mail.map(({ type }) => type)).toEqual(['DISABLE_IGMP', 'ENABLE_IGMP']);
        expect((await membershipsAfter(router, 1)).map((one) => [one.type, one.cause])).toEqual([
          ['left', cause],
        ]);
        ok(await igmp.add(7, GROUP));
        const joined = (await alertsAfter(dvmrp, from['dvmrp'])).map(({ type }) => type);
        expect(joined).toEqual(['PRUNE_ALERT', 'JOIN_ALERT']);
      },
    );

    it('does not open when IGMP takes or releases an interface that a routing protocol owns', async () => {
      const { router, pim, dvmrp, igmp } = await three(stage);
      ok(await pim.take(7));
      ok(await pim.add(7, OTHER));
      const from = await positions({ pim, dvmrp, igmp });
      ok(await igmp.take(7));
      ok(await igmp.release(7));
      await settled(router);
      for (const [name, client] of Object.entries({ pim, dvmrp, igmp })) {
        expect(await mailAfter(client, from[name])).toEqual([]);
      }
      expect(await listAll(router, 'members')).toHaveLength(1);
    });

    it('keeps what IGMP added after the step, before it read the pair', async () => {
      const { router, pim, igmp } = await three(stage);
      ok(await igmp.take(7));
      ok(await igmp.add(7, GROUP));
      ok(await pim.take(7));
      // The purge and the add are two changes: pim is alerted to both.
      expect(await igmp.add(7, GROUP)).toMatchObject({ changed: true, mrev: 3 });
      const types = (await alertsAfter(pim)).map(({ type }) => type);
      expect(types).toEqual(['JOIN_ALERT', 'PRUNE_ALERT', 'LOCAL_JOIN']);
      await settled(router);
      expect(await listAll(router, 'members')).toHaveLength(1);
    });

    it('of two interfaces: an entry that others still want is not pruned', async () => {
      const { router, pim, dvmrp, igmp } = await three(stage);
      ok(
        await igmp.takeAll([
          [7, ''],
          [8, ''],
        ]),
      );
      ok(
        await igmp.bulk('member.add', [
          [7, '', GROUP, ''],
          [8, '', GROUP, ''],
        ]),
      );
      const from = await positions({ pim, dvmrp });
      ok(await pim.take(7));
      await settled(router);
      expect(await alertsAfter(pim, from['pim'])).toEqual([]);
      expect(await alertsAfter(dvmrp, from['dvmrp'])).toEqual([]);
      expect(await listAll(router, 'members')).toHaveLength(1);
    });
  });

  describe('section 5.5: memberships that end without a delete', () => {
    /** How the hold of a client on 7 ends, the cause in alerts and events, and whether all of its memberships end. */
    const ENDS: readonly (readonly [
      how: string,
      cause: string,
      end: (router: RawRouter, client: RawSession) => Promise<unknown>,
      fields: Fields,
    ])[] = [
      ['release', 'release', (_, client) => client.release(7).then(ok), {}],
      [
        'deregister with force',
        'release',
        (_, one) => one.deregister({ force: true }).then(ok),
        {},
      ],
      [
        'admin.release',
        'admin',
        (router) => router.request('admin.release', { ifIndex: 7, ...ADMIN }).then(ok),
        {},
      ],
      [
        'admin.evict',
        'evict',
        (router, { session }) => router.request('admin.evict', { session, ...ADMIN }).then(ok),
        {},
      ],
      ['the end of the lease', 'expire', async () => {}, { ttlMs: 1000 }],
      ['the end of the grace time', 'expire', async () => {}, { ttlMs: 1000, graceMs: 500 }],
    ];

    it.each(ENDS)(
      '%s of a routing protocol withdraws what it has there, cause %s',
      async (...row) => {
        const [, cause, end, fields] = row;
        const { router, dvmrp } = await three(stage);
        const client = await router.register({ componentId: 9, alerts: ALERTS, ...fields });
        ok(await client.take(7));
        ok(
          await client.bulk('member.add', [
            [7, '', GROUP, ''],
            [7, '', '', ''],
          ]),
        );
        const from = await positions({ dvmrp });
        await end(router, client);
        const alerts = await eventually(async () => {
          const found = await alertsAfter(dvmrp, from['dvmrp']);
          expect(found.flatMap(({ items = [] }) => items)).toHaveLength(2);
          return found;
        }, WITHIN);
        for (const alert of alerts) {
          expect(alert).toMatchObject({ type: 'PRUNE_ALERT', memberDelete: true, cause });
          expect(alert).not.toHaveProperty('window');
        }
        expect(await listAll(router, 'members')).toEqual([]);
        const left = await membershipsAfter(router, 2);
        expect(left.map(({ type }) => type)).toEqual(Array(left.length).fill('left'));
        for (const event of left) {
          expect(event).toMatchObject({ ...client.named, countsFor: client.session, cause });
        }
        await settled(router);
      },
    );

    it.each(ENDS)(
      "%s of IGMP sends a LOCAL_LEAVE per membership to the interface's owner",
      async (...row) => {
        const [how, cause, end, fields] = row;
        const { router, pim, dvmrp } = await three(stage);
        ok(await pim.take(7));
        const igmp = await router.register({
          protocolId: Protocols.igmp,
          componentId: 9,
          ...fields,
        });
        ok(await igmp.take(7));
        ok(
          await igmp.bulk('member.add', [
            [7, '', GROUP, ''],
            [7, '', OTHER, SOURCE],
          ]),
        );
        const from = await positions({ pim, dvmrp });
        await end(router, igmp);
        if (how === 'admin.release') {
          // On an interface with an owner it releases the owner, and so opens a window.
          await settled(router);
          expect(await alertsAfter(pim, from['pim'])).toEqual([]);
          return;
        }
        const leaves = await eventually(async () => {
          const found = await alertsAfter(pim, from['pim']);
          expect(found.flatMap(({ items = [] }) => items)).toHaveLength(2);
          return found;
        }, WITHIN);
        for (const leave of leaves) expect(leave).toMatchObject({ type: 'LOCAL_LEAVE', cause });
        const items = leaves.flatMap((leave) => leave.items ?? []);
        expect(items.toSorted()).toEqual([
          [GROUP, '', 7, ''],
          [OTHER, SOURCE, 7, ''],
        ]);
        expect(await alertsAfter(dvmrp, from['dvmrp'])).toMatchObject([
          { type: 'PRUNE_ALERT', cause, items: [[GROUP, '', 7, '', false]] },
        ]);
        await settled(router);
      },
    );

    it.each(ENDS)('%s of IGMP where it is alone sends no LOCAL_LEAVE', async (...row) => {
      const [, cause, end, fields] = row;
      const { router, pim } = await three(stage);
      const igmp = await router.register({ protocolId: Protocols.igmp, componentId: 9, ...fields });
      ok(await igmp.take(7));
      ok(await igmp.add(7, GROUP));
      const from = await positions({ pim });
      await end(router, igmp);
      await eventually(async () => {
        expect(await alertsAfter(pim, from['pim'])).toMatchObject([{ type: 'PRUNE_ALERT', cause }]);
      }, WITHIN);
      await settled(router);
      expect(await alertsAfter(pim, from['pim'])).toHaveLength(1);
    });

    it('an end of a session withdraws on all interfaces, others keep what they have', async () => {
      const { router, pim, dvmrp } = await three(stage);
      ok(await pim.takeAll(pairs(50)));
      ok(await dvmrp.take(99));
      ok(await dvmrp.add(99, GROUP));
      ok(
        await pim.bulk(
          'member.add',
          pairs(50).map(([at]) => [at, '', GROUP, '']),
        ),
      );
      ok(
        await pim.bulk(
          'member.add',
          pairs(50).map(([at]) => [at, '', groupText(at), '']),
        ),
      );
      ok(await pim.deregister({ force: true }));
      expect(await listAll(router, 'members')).toHaveLength(1);
      await settled(router);
      const pruned = (await alertsAfter(dvmrp)).filter(({ type }) => type === 'PRUNE_ALERT');
      const groups = pruned.flatMap(({ items = [] }) => items).map(([group]) => group);
      expect(groups.toSorted()).toEqual(
        [GROUP, ...pairs(50).map(([at]) => groupText(at))].toSorted(),
      );
      expect(ok(await router.request('groups', {})).mrev).toBe(201);
    });

    it('nothing revives a withdrawn membership, not even the same client on the same interface', async () => {
      const { router, pim, dvmrp } = await three(stage);
      ok(await pim.take(7));
      ok(await pim.add(7, GROUP));
      ok(await pim.release(7));
      ok(await pim.take(7));
      expect(await listAll(router, 'members')).toEqual([]);
      expectRefused(await pim.delete(7, GROUP), 1168, 'no-membership');
      await settled(router);
      expect((await alertsAfter(dvmrp)).map(({ type }) => type)).toEqual([
        'JOIN_ALERT',
        'PRUNE_ALERT',
      ]);
      expect(await pim.add(7, GROUP)).toMatchObject({ changed: true, mrev: 3 });
    });

    it('grace time, inheritance and takeover withdraw nothing: no alert, no event', async () => {
      const { router, dvmrp } = await three(stage);
      const late = await router.register({
        ...{ componentId: 9, ttlMs: 1000, graceMs: 600_000, alerts: ALERTS },
      });
      ok(await late.take(7));
      ok(await late.add(7, GROUP));
      const from = await positions({ dvmrp });
      await eventually(async () => expect(ok(await router.owner(7)).stale).toBe(true), WITHIN);
      expect(await listAll(router, 'members')).toHaveLength(1);
      const back = await router.register({
        ...late.asked,
        instance: newInstance(),
        ttlMs: 300_000,
      });
      const again = await router.register({
        ...back.asked,
        instance: newInstance(),
        takeover: true,
      });
      const listed = [GROUP, '', 7, '', again.session, again.session];
      expect(await listAll(router, 'members')).toEqual([listed]);
      await settled(router);
      expect(await alertsAfter(dvmrp, from['dvmrp'])).toEqual([]);
      expect(await membershipsAfter(router, 1)).toEqual([]);
      expect(await again.add(7, GROUP)).toMatchObject({ changed: false });
      expect(await again.delete(7, GROUP)).toMatchObject({ changed: true });
    });

    it('a hold that once had more than 256 memberships is settled promptly', async () => {
      const { router, pim, dvmrp } = await three(stage);
      ok(
        await pim.takeAll([
          [7, ''],
          [8, ''],
        ]),
      );
      for (let first = 0; first < 1024; first += 256) {
        ok(await pim.bulk('member.add', elements(7, 256, first)));
        ok(await pim.bulk('member.add', elements(8, 256, 10_000 + first)));
      }
      for (let first = 0; first < 1024; first += 256) {
        ok(await pim.bulk('member.delete', elements(7, first === 0 ? 250 : 256, first)));
      }
      const from = await positions({ dvmrp });
      ok(await pim.release(7));
      await settled(router);
      const alerts = await alertsAfter(dvmrp, from['dvmrp']);
      const groups = alerts.flatMap(({ items = [] }) => items).map(([group]) => group);
      expect(groups.toSorted()).toEqual(
        Array.from({ length: 6 }, (_, at) => groupText(250 + at)).toSorted(),
      );
      expect(await listAll(router, 'members', { ifIndex: 8 })).toHaveLength(1024);
    });
  });
});

/** pim, dvmrp and IGMP with all alerts, on a router of their own. */
async function three(stage: Stage) {
  const router = stage.router();
  const register = (protocolId: number) => router.register({ protocolId, alerts: ALERTS });
  const pim = await register(Protocols.pim);
  const dvmrp = await register(Protocols.dvmrp);
  const igmp = await register(Protocols.igmp);
  return { router, pim, dvmrp, igmp };
}

/** The last callback of each client. */
async function positions(
  clients: Readonly<Record<string, RawSession>>,
): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const [name, client] of Object.entries(clients)) {
    found[name] = ok(await client.keepalive()).mailbox;
  }
  return found;
}
