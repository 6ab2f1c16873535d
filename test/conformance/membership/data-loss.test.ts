import { eventually } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { expectDeadHandle } from '../../support/expectations.ts';
import {
  ALERTS,
  alertsAfter,
  listAll,
  mailAfter,
  membershipsAfter,
  settled,
} from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import {
  newInstance,
  Protocols,
  type RawRouter,
  type RawSession,
} from '../../support/raw-client.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const OTHER = '239.1.1.2';
const ADMIN = { actor: 'operator', why: 'a test' };
const WITHIN = { withinMs: 30_000 };
/** Enough reads that each of three managers serves one: only a manager that knows a router notices a loss. */
const READS = 64;

overReplicas((stage) => {
  describe('sections 5.5 and 6: a store that lost data', () => {
    it('starts both logs anew, without alerts; holders register, take and add again', async () => {
      const { router, pim, igmp, dvmrp } = await withMemberships(stage);
      using watch = router.watch();
      const before = ok(await router.request('groups', {}));
      await lose(stage, router);
      const after = await eventually(async () => {
        const page = ok(await router.request('groups', {}));
        expect(page.log).not.toBe(before.log);
        return page;
      }, WITHIN);
      expect(after).toMatchObject({ items: [], mrev: 0 });
      expectDeadHandle(await pim.add(7, GROUP));
      expectDeadHandle(await router.request('groups', { handle: pim.handle }));
      expect(await router.request('member.events', { from: 0 })).toMatchObject({
        ...{ status: 0, events: [], head: 0, log: after.log },
      });
      expect(await router.eventsAfter(0)).toMatchObject([{ type: 'store-reset' }]);
      expect(watch.callbacksOf(dvmrp.session)).toEqual([]);

      ok(await router.request('admin.end-holdoff', ADMIN));
      const again = await router.register({ ...pim.asked, instance: newInstance() });
      const igmpAgain = await router.register({ ...igmp.asked, instance: newInstance() });
      ok(await again.take(7));
      ok(await igmpAgain.take(7));
      expect(await again.add(7, GROUP)).toMatchObject({ changed: true, mrev: 1 });
      expect(await igmpAgain.add(7, OTHER)).toMatchObject({ changed: true, mrev: 2 });
      expect(await mailAfter(again)).toMatchObject([{ seq: 1, type: 'LOCAL_JOIN' }]);
      const { log } = after;
      await eventually(() => expect(watch.heads.at(-1)).toMatchObject({ mrev: 2, log }), WITHIN);
      expect(await listAll(router, 'members')).toHaveLength(2);
    });

    it('of which only memberships are older is noticed by a fallen mrev', async () => {
      const { router, pim } = await withMemberships(stage);
      const restore = await copyOf(stage, router);
      const [rev, { log, mrev }] = [await router.rev(), ok(await router.request('groups', {}))];
      ok(await pim.add(7, '239.1.1.3'));
      expect(await router.rev()).toBe(rev);
      for (let at = 0; at < READS; at++) await router.request('groups', { limit: 1 });
      await restore();
      await eventually(async () => {
        const page = ok(await router.request('groups', {}));
        expect(page.log).not.toBe(log);
        expect(page.mrev).toBeLessThan(mrev);
      }, WITHIN);
      expect((await router.eventsAfter(0))[0]).toMatchObject({ type: 'store-reset', rev: 1 });
      expectDeadHandle(await pim.add(7, GROUP));
      // Memberships that existed before the data loss are withdrawn, and end without alerts.
      expect(await listAll(router, 'members')).toEqual([]);
    });

    it('gives an interface to the claimant that had it later: what the others have there ends as by a release, cause take', async () => {
      const { router, pim, igmp, dvmrp } = await withMemberships(stage);
      const other = await router.register({
        ...igmp.asked,
        componentId: 2,
        instance: newInstance(),
      });
      const had = ok(await router.owner(7));
      ok(await pim.release(7));
      const later = ok(await dvmrp.take(7)).epoch;
      ok(await igmp.release(7));
      const igmpLater = ok(await other.take(7)).epoch;
      await lose(stage, router);
      await eventually(async () => {
        expectDeadHandle(await router.request('groups', { handle: pim.handle }));
        expect(await router.eventsAfter(0)).toMatchObject([{ type: 'store-reset' }]);
      }, WITHIN);
      const again = ({ asked }: RawSession) =>
        router.register({ ...asked, instance: newInstance() });
      const [first, local] = [await again(pim), await again(igmp)];
      const [second, otherLocal] = [await again(dvmrp), await again(other)];
      const listening = await router.register({ componentId: 9, alerts: ALERTS });
      const claim = async (client: RawSession, epoch: string | undefined) =>
        ok(await client.change('take', { ifIndex: 7, held: [epoch] }));
      await claim(first, had.epoch);
      await claim(local, had.igmp?.epoch);
      ok(await first.add(7, GROUP));
      ok(await local.add(7, OTHER));
      await claim(otherLocal, igmpLater);
      await settled(router);
      expect((await alertsAfter(first)).map(({ type, cause }) => [type, cause])).toEqual([
        ['LOCAL_JOIN', 'member'],
        ['LOCAL_LEAVE', 'take'],
      ]);
      ok(await otherLocal.add(7, OTHER));
      const { mailbox } = ok(await listening.keepalive());
      await claim(second, later);
      expect(await listAll(router, 'members')).toEqual([]);
      await settled(router);
      const pruned = await alertsAfter(listening, mailbox);
      const ends = pruned.flatMap(({ type, cause, window, items = [] }) =>
        items.map(([group]) => [group, type, cause, window]),
      );
      expect(ends.toSorted()).toEqual([
        [GROUP, 'PRUNE_ALERT', 'take', undefined],
        [OTHER, 'PRUNE_ALERT', 'take', true],
      ]);
      expect((await alertsAfter(first)).at(-1)?.type).toBe('LOCAL_JOIN');
      const left = (await membershipsAfter(router, 0)).filter(({ type }) => type === 'left');
      expect(new Set(left.map(({ cause }) => cause))).toEqual(new Set(['take']));
    });

    it('keeps static memberships and limits as far as it has them', async () => {
      const { router, pim } = await withMemberships(stage);
      const configure = async (group: string) =>
        ok(await router.request('admin.member.add', { ifIndex: 7, group, ...ADMIN }));
      const limits = { ifIndex: 7, ...ADMIN };
      ok(await router.request('admin.interface.set', { ...limits, maxGroups: 5 }));
      await configure('239.1.1.3');
      const restore = await copyOf(stage, router);
      await configure('239.1.1.4');
      for (let at = 0; at < READS; at++) await router.request('groups', { limit: 1 });
      await restore();
      await eventually(async () => {
        expect(await listAll(router, 'members')).toEqual([['239.1.1.3', '', 7, '', 0, 0]]);
      }, WITHIN);
      expect((await router.eventsAfter(0))[0]).toMatchObject({ type: 'store-reset', rev: 1 });
      expect(ok(await router.request('admin.interface.set', limits)).maxGroups).toBe(5);
      ok(await router.request('admin.end-holdoff', ADMIN));
      const again = await router.register({ ...pim.asked, instance: newInstance() });
      ok(await again.take(7));
      await eventually(async () => {
        const [, , , , , countsFor] = (await listAll(router, 'members'))[0] ?? [];
        expect(countsFor).toBe(again.session);
      }, WITHIN);
    });
  });
});

/** pim and IGMP on 7 with a membership each, and dvmrp, which is alerted. Every manager has seen the router. */
async function withMemberships(stage: Stage) {
  const router = stage.router();
  const register = (protocolId: number) => router.register({ protocolId, alerts: ALERTS });
  const pim = await register(Protocols.pim);
  const igmp = await register(Protocols.igmp);
  const dvmrp = await register(Protocols.dvmrp);
  ok(await pim.take(7));
  ok(await igmp.take(7));
  ok(await pim.add(7, GROUP));
  ok(await igmp.add(7, OTHER));
  for (let at = 0; at < READS; at++) await router.request('groups', { limit: 1 });
  return { router, pim, igmp, dvmrp };
}

async function keysOf(redis: Redis, { name }: RawRouter): Promise<string[]> {
  return await redis.keys(`*{${name}}:*`);
}

/** Deletes all that is stored for a router. */
async function lose(stage: Stage, router: RawRouter): Promise<void> {
  const redis = new Redis(stage.servers.redis.url);
  await redis.del(await keysOf(redis, router));
  await redis.quit();
}

/** Copies what is stored for a router; the function that it returns restores that, as a backup would. */
async function copyOf(stage: Stage, router: RawRouter): Promise<() => Promise<void>> {
  const redis = new Redis(stage.servers.redis.url);
  const keys = await keysOf(redis, router);
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    const restore = redis.multi().del(await keysOf(redis, router));
    for (const [at, key] of keys.entries()) {
      const dump = dumps[at];
      if (dump) restore.restore(key, 0, dump);
    }
    await restore.exec();
    await redis.quit();
  };
}
