import { eventually, notBreakable } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { expectDeadHandle, expectRefused } from '../../support/expectations.ts';
import {
  ALERTS,
  elements,
  groupText,
  listAll,
  mailAfter,
  settled,
} from '../../support/raw-memberships.ts';
import { ok, readReply } from '../../support/raw-replies.ts';
import { newInstance } from '../../support/raw-client.ts';
import { type Fields, pack } from '../../support/raw-codec.ts';
import { enter } from '../../support/scene.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

const GROUP = '239.1.1.1';
const WITHIN = { withinMs: 30_000 };
/** Requests at once: more than the queue of three managers together. */
const FLOOD = 400;

overReplicas((stage) => {
  describe('section 4.6: repeats', () => {
    it('the same `seq` again has the stored reply to the last byte, and no effect', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      const listening = await router.register({ componentId: 9, alerts: ALERTS });
      const requests: readonly (readonly [op: 'member.add' | 'member.delete', fields: Fields])[] = [
        ['member.add', { ifIndex: 7, group: GROUP }],
        ['member.add', { entries: [...elements(7, 20), [7, '', '10.0.0.1', ''], [9, '', '', '']] }],
        ['member.delete', { entries: elements(7, 25) }],
        ['member.delete', { ifIndex: 7, group: GROUP }],
        ['member.delete', { ifIndex: 7, group: GROUP }],
      ];
      for (const [at, [op, fields]] of requests.entries()) {
        const bytes = pack({ handle: pim.handle, seq: 10 + at, ack: 1, ...fields });
        const first = await router.send(op, bytes);
        const [state, mail] = [await listAll(router, 'members'), await mailAfter(listening)];
        // What changes in between does not change the stored reply.
        const other = await router.register({ componentId: 50 + at });
        expect(await router.send(op, bytes)).toEqual(first);
        expect(await listAll(router, 'members')).toEqual(state);
        expect(await mailAfter(listening)).toEqual(mail);
        ok(await other.deregister());
      }
      expect(ok(await router.request('groups', {})).mrev).toBe(42);
    });

    it('`seq` used by another operation, or below `ack`, is refused', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { handle } = clients.pim;
      const add = { handle, seq: 10, ack: 5, ifIndex: 7, group: GROUP };
      ok(await router.request('member.add', add));
      for (const op of ['member.delete', 'take'] as const) {
        expectRefused(await router.request(op, add), 87, 'bad-request', { field: 'seq' });
      }
      const old = await router.request('member.add', { ...add, seq: 4, ack: 4 });
      expectRefused(old, 87, 'stale-request');
    });

    it('a late copy changes no membership, no mrev and no mailbox', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      const listening = await router.register({ componentId: 9, alerts: ALERTS });
      const first = { ...pim.next(), ifIndex: 7, group: GROUP };
      ok(await router.request('member.add', first));
      const second = { ...pim.next(), ifIndex: 7, group: GROUP };
      ok(await router.request('member.delete', second));
      // `ack` of this one says that both are finished.
      ok(await pim.add(7, groupText(1)));
      const mail = await mailAfter(listening);
      expectRefused(await router.request('member.add', first), 87, 'stale-request');
      expectRefused(await router.request('member.delete', second), 87, 'stale-request');
      expect(await mailAfter(listening)).toEqual(mail);
      expect(ok(await router.request('groups', {})).mrev).toBe(3);
      expect(await listAll(router, 'groups')).toEqual([[groupText(1), '', 1, true, false, false]]);
    });

    it('of many copies in flight one takes effect', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const request = { ...clients.pim.next(), entries: elements(7, 100) };
      const copies = Array.from({ length: 20 }, () => router.request('member.add', request));
      for (const reply of await Promise.all(copies)) {
        expect(reply).toMatchObject({ status: 0, count: 100, mrev: 100 });
      }
    });
  });

  describe('section 4.6: sessions and holds', () => {
    it('a session in its grace time is refused as expired, and so are its reads with a handle', async () => {
      const { router, clients } = await enter(stage);
      const late = await router.register({ componentId: 9, ttlMs: 1000, graceMs: 600_000 });
      ok(await late.take(7));
      ok(await late.add(7, GROUP));
      await eventually(async () => expect(ok(await router.owner(7)).stale).toBe(true), WITHIN);
      expectRefused(await late.add(7, groupText(1)), 87, 'session-expired');
      expectRefused(await late.delete(7, GROUP), 87, 'session-expired');
      const { handle } = late;
      expectRefused(await router.request('groups', { handle }), 87, 'session-expired');
      expect(await listAll(router, 'groups', { handle: clients.pim.handle })).toHaveLength(1);
      expect(await listAll(router, 'members', { session: late.session })).toHaveLength(1);
    });

    it('a session that is over, or unknown, is refused', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      ok(await pim.add(7, GROUP));
      const next = await router.register({ ...pim.asked, instance: newInstance(), takeover: true });
      for (const session of [pim]) {
        expectDeadHandle(await session.add(7, groupText(1)));
        expectDeadHandle(await session.delete(7, GROUP));
        expectDeadHandle(await router.request('groups', { handle: session.handle }));
      }
      const unknown = { handle: newInstance(), seq: 1, ack: 1, ifIndex: 7, group: GROUP };
      for (const op of ['member.add', 'member.delete'] as const) {
        expectRefused(await router.request(op, unknown), 87, 'bad-handle');
      }
      expect(await listAll(router, 'members', { session: next.session })).toHaveLength(1);
    });

    it("the caller's hold has ended: not-owner or not-found, per element", async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim, dvmrp } = clients;
      ok(
        await pim.takeAll([
          [8, ''],
          [9, ''],
        ]),
      );
      ok(
        await pim.bulk('member.add', [
          [7, '', GROUP, ''],
          [8, '', GROUP, ''],
          [9, '', GROUP, ''],
        ]),
      );
      ok(
        await pim.releaseAll([
          [7, ''],
          [8, ''],
        ]),
      );
      ok(await dvmrp.take(7));
      const entries = [
        [7, '', GROUP, ''],
        [8, '', GROUP, ''],
        [9, '', GROUP, ''],
      ];
      expect(await pim.bulk('member.delete', entries)).toMatchObject({
        ...{
          count: 1,
          failed: [
            [0, 87, 'not-owner'],
            [1, 1168, 'not-found'],
          ],
        },
      });
      await settled(router);
      expect(await listAll(router, 'members')).toEqual([]);
    });
  });

  describe('section 4.6: the store', () => {
    it('out of memory: adds are refused as store-full, also when repeated; deletes and repeats are executed', async (context) => {
      context.skip(notBreakable() !== undefined, notBreakable());
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      ok(await pim.bulk('member.add', elements(7, 10)));
      const added = { ...pim.next(), ifIndex: 7, group: GROUP };
      const kept = await router.request('member.add', added);
      const later = (seq: number, fields: Fields) => ({
        handle: pim.handle,
        seq,
        ack: 1,
        ...fields,
      });
      const refused = later(100, { ifIndex: 7, group: groupText(50) });
      await full(stage, async () => {
        const reply = await router.request('member.add', refused);
        expectRefused(reply, 8, 'store-full');
        expect(await router.request('member.add', refused)).toEqual(reply);
        // It comes before the interface in the order of checks.
        const nobody = later(101, { ifIndex: 70, group: GROUP });
        expectRefused(await router.request('member.add', nobody), 8, 'store-full');
        expect(await router.request('member.add', added)).toEqual(kept);
        const entries = elements(7, 5);
        const deleted = await router.request('member.delete', later(102, { entries }));
        expect(deleted).toMatchObject({ status: 0, count: 5 });
        expect(await listAll(router, 'members')).toHaveLength(6);
        const { handle } = pim;
        expect(await listAll(router, 'groups', { handle })).toHaveLength(6);
      });
      // Stored like that of `take`: a new `seq` is accepted.
      expect(await router.request('member.add', refused)).toMatchObject({ reason: 'store-full' });
      const again = await router.request('member.add', { ...refused, seq: 103 });
      expect(again).toMatchObject({ status: 0, changed: true });
    });

    it('deadlineMs passed: unavailable and retryable, nothing happened', async (context) => {
      context.skip(notBreakable() !== undefined, notBreakable());
      const { router, clients } = await enter(stage, 'S2(pim)');
      const request = { ...clients.pim.next(), ifIndex: 7, group: GROUP };
      const late = { ...request, deadlineMs: 0 };
      const reply = await router.request('member.add', late);
      expectRefused(reply, 1003, 'unavailable', { retryable: true });
      expect(await listAll(router, 'members')).toEqual([]);
      expect(await router.request('member.add', request)).toMatchObject({ changed: true });
    });

    // Last, since afterwards some managers may still be connecting to the store.
    it('unreachable: nothing is lost, and the same `seq` has its effect once', async (context) => {
      context.skip(notBreakable() !== undefined, notBreakable());
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { pim } = clients;
      const request = { ...pim.next(), entries: elements(7, 50) };
      await stage.servers.redis.pause();
      const asking = Promise.all([
        router.request('member.add', request),
        router.request('groups', { handle: pim.handle }),
        router.request('members', {}),
        router.request('member.events', { from: 0 }),
      ]);
      const asked = await asking.catch(() => []);
      await stage.servers.redis.resume();
      const [changed, ...reads] = asked;
      expect(changed).toMatchObject({
        status: 1003,
        reason: expect.stringMatching(/^(unavailable|indeterminate)$/),
      });
      expect(reads).toHaveLength(3);
      for (const read of reads) expectRefused(read, 1003, 'unavailable', { retryable: true });
      const repeat = async () => ok(await router.request('member.add', request));
      expect(await eventually(repeat, WITHIN)).toMatchObject({ count: 50, mrev: 50 });
    });
  });
});

overReplicas(
  (stage) => {
    it('section 4.6: overloaded says when to repeat; the same request then has its effect once', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { handle } = clients.pim;
      let refused = 0;
      const addUntilDone = async (at: number): Promise<void> => {
        const request = { handle, seq: 2 + at, ack: 1, ifIndex: 7, group: groupText(at) };
        await eventually(async () => {
          const reply = readReply<'member.add'>(await router.send('member.add', pack(request)));
          if (reply.status === 0) return;
          expectRefused(reply, 1003, 'overloaded', {
            ...{ retryable: true, retryAfterMs: expect.any(Number) },
          });
          refused += 1;
          throw new Error('overloaded');
        }, WITHIN);
      };
      await Promise.all(Array.from({ length: FLOOD }, (_, at) => addUntilDone(at)));
      expect(refused).toBeGreaterThan(0);
      expect(await listAll(router, 'members')).toHaveLength(FLOOD);
      expect(ok(await router.request('groups', {})).mrev).toBe(FLOOD);
    });
  },
  { env: { MGM_QUEUE_MAX: '20', MGM_BATCH_MAX: '2' } },
);

/** Runs while Redis is out of memory. */
async function full(stage: Stage, act: () => Promise<void>): Promise<void> {
  const redis = new Redis(stage.servers.redis.url);
  try {
    await redis.config('SET', 'maxmemory', '1');
    await act();
  } finally {
    await redis.config('SET', 'maxmemory', '0');
    await redis.quit();
  }
}
