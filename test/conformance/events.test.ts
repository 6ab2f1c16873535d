import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectPushedAfter } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { pairs, Protocols } from '../support/raw-client.ts';
import { enter } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

const ADMIN = { actor: 'operator', why: 'a test' };
/** Leases of a second, and slack for a busy machine. */
const EXPIRED_WITHIN_MS = 30_000;

overReplicas((stage) => {
  describe('section 5: the events of each change', () => {
    it('register; deregister: registered; deregistered', async () => {
      const router = stage.router();
      using watch = router.watch();
      const client = await router.register();
      ok(await client.deregister());
      expect(await router.eventsAfter(0)).toMatchObject([
        { rev: 1, ts: expect.any(Number), type: 'registered', ...client.named },
        { rev: 2, ts: expect.any(Number), type: 'deregistered', ...client.named },
      ]);
      await expectPushedAfter(0, router, watch);
    });

    it('take; release: taken, cause take; released, cause release', async () => {
      const { router, clients, watch } = await enter(stage);
      const { pim } = clients;
      const { epoch } = ok(await pim.take(7, '10.0.0.1'));
      ok(await pim.release(7, '10.0.0.1'));
      const fields = { ...pim.named, ifIndex: 7, nextHop: '10.0.0.1', epoch };
      expect(await router.eventsAfter(3)).toMatchObject([
        { type: 'taken', ...fields, cause: 'take' },
        { type: 'released', ...fields, cause: 'release' },
      ]);
      await expectPushedAfter(0, router, watch);
    });

    it('the same by IGMP: igmp-taken; igmp-released', async () => {
      const { router, clients, watch } = await enter(stage);
      const { igmp } = clients;
      const { epoch } = ok(await igmp.take(7));
      ok(await igmp.release(7));
      const fields = { ...igmp.named, ifIndex: 7, nextHop: '', epoch };
      expect(await router.eventsAfter(3)).toMatchObject([
        { type: 'igmp-taken', ...fields, cause: 'take' },
        { type: 'igmp-released', ...fields, cause: 'release' },
      ]);
      await expectPushedAfter(0, router, watch);
    });

    it.concurrent(
      'lease over without grace: expired, then one released per interface, cause expire',
      async () => {
        const router = stage.router();
        using watch = router.watch();
        const client = await router.register({ ttlMs: 1000 });
        const { results } = ok(await client.takeAll(pairs(3)));
        const events = await eventually(
          async () => {
            const found = await router.eventsAfter(4);
            expect(found).toHaveLength(4);
            return found;
          },
          { withinMs: EXPIRED_WITHIN_MS, everyMs: 50 },
        );
        expect(events[0]).toMatchObject({ type: 'expired', ...client.named });
        const released = events.slice(1).toSorted((a, b) => (a.ifIndex ?? 0) - (b.ifIndex ?? 0));
        expect(released).toMatchObject(
          results.map(({ epoch }, at) => ({
            ...{ type: 'released', ...client.named, ifIndex: at + 1, nextHop: '', epoch },
            cause: 'expire',
          })),
        );
        await expectPushedAfter(0, router, watch);
      },
    );

    it.concurrent("IGMP's lease over: expired, then one igmp-released per interface", async () => {
      const router = stage.router();
      using watch = router.watch();
      const igmp = await router.register({ protocolId: Protocols.igmp, ttlMs: 1000 });
      const pim = await router.register();
      ok(await igmp.takeAll(pairs(2)));
      ok(await pim.take(1));
      const { mailbox } = ok(await igmp.keepalive());
      expect(mailbox).toBe(2);
      await eventually(
        async () => {
          const released = { type: 'igmp-released', ...igmp.named, cause: 'expire' };
          expect(await router.eventsAfter(5)).toMatchObject([
            { type: 'expired', ...igmp.named },
            released,
            released,
          ]);
        },
        { withinMs: EXPIRED_WITHIN_MS, everyMs: 50 },
      );
      expect(ok(await router.owner(1))).not.toHaveProperty('igmp');
      await expectPushedAfter(0, router, watch);
    });

    it.concurrent(
      'lease over with grace: stale, and after the grace time expired and released',
      async () => {
        const router = stage.router();
        using watch = router.watch();
        const client = await router.register({ ttlMs: 1000, graceMs: 1000 });
        ok(await client.take(7));
        await eventually(
          async () => {
            expect(await router.eventsAfter(2)).toMatchObject([
              { type: 'stale', ...client.named },
              { type: 'expired', ...client.named },
              { type: 'released', ...client.named, ifIndex: 7, cause: 'expire' },
            ]);
          },
          { withinMs: EXPIRED_WITHIN_MS, everyMs: 50 },
        );
        await expectPushedAfter(0, router, watch);
      },
    );

    it.concurrent(
      'registered again in grace: one resumed, however many interfaces it owns',
      async () => {
        const router = stage.router();
        using watch = router.watch();
        const old = await router.register({ ttlMs: 1000, graceMs: 60_000 });
        ok(await old.takeAll(pairs(10)));
        await eventually(
          async () => expect(await router.eventsAfter(11)).toMatchObject([{ type: 'stale' }]),
          { withinMs: EXPIRED_WITHIN_MS, everyMs: 50 },
        );
        const next = await router.register();
        const { epoch } = next.registered;
        expect(await router.eventsAfter(12)).toMatchObject([
          { type: 'resumed', ...next.named, previous: old.session, epoch },
        ]);
        await expectPushedAfter(0, router, watch);
      },
    );

    it('takeover: one resumed with previous and epoch', async () => {
      const { router, clients, watch } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(10)));
      const next = await router.register({ protocolId: Protocols.pim, takeover: true });
      const { epoch } = next.registered;
      expect(await router.eventsAfter(13)).toMatchObject([
        { type: 'resumed', ...next.named, previous: clients.pim.session, epoch },
      ]);
      await expectPushedAfter(0, router, watch);
    });

    it('inherited interfaces are released under the epoch of the inheritance', async () => {
      const { router, clients, watch } = await enter(stage, 'S3(pim)');
      const pim = await router.register({ protocolId: Protocols.pim, takeover: true });
      const igmp = await router.register({ protocolId: Protocols.igmp, takeover: true });
      ok(await pim.release(7));
      ok(await igmp.release(7));
      expect(pim.session).not.toBe(clients.pim.session);
      expect(await router.eventsAfter(7)).toMatchObject([
        { type: 'released', ...pim.named, ifIndex: 7, epoch: pim.registered.epoch },
        { type: 'igmp-released', ...igmp.named, ifIndex: 7, epoch: igmp.registered.epoch },
      ]);
      await expectPushedAfter(0, router, watch);
    });

    it('admin.release: released, cause admin, with actor and why', async () => {
      const { router, clients, watch } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
      expect(await router.eventsAfter(4)).toMatchObject([
        {
          type: 'released',
          ...clients.pim.named,
          ifIndex: 7,
          nextHop: '',
          epoch,
          cause: 'admin',
          ...ADMIN,
        },
      ]);
      await expectPushedAfter(0, router, watch);
    });

    it('admin.evict: evicted with actor and why, then one released per interface, cause evict', async () => {
      const { router, clients, watch } = await enter(stage);
      const { pim } = clients;
      ok(await pim.takeAll(pairs(2)));
      ok(await router.request('admin.evict', { session: pim.session, ...ADMIN }));
      const released = { type: 'released', ...pim.named, cause: 'evict' };
      await eventually(
        async () => {
          expect(await router.eventsAfter(5)).toMatchObject([
            { type: 'evicted', ...pim.named, ...ADMIN },
            released,
            released,
          ]);
        },
        { withinMs: EXPIRED_WITHIN_MS },
      );
      await expectPushedAfter(0, router, watch);
    });

    it('keepalives, reads and refused requests: none', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const rev = await router.rev();
      ok(await clients.pim.keepalive({ ack: 1, mailboxAck: 0 }));
      ok(await router.owner(7));
      ok(await router.request('interfaces', {}));
      ok(await router.request('sessions', {}));
      await clients.pim.mailbox();
      await router.request('validate', { ifIndex: 7, epoch: '1' });
      await clients.dvmrp.take(7);
      await clients.dvmrp.release(7);
      await clients.dvmrp.take(0);
      await router.request('register', { ...clients.pim.asked, instance: 'x'.repeat(20) });
      await router.request('admin.release', { ifIndex: 8, ...ADMIN });
      expect(await router.rev()).toBe(rev);
      expect(await router.eventsAfter(rev)).toEqual([]);
    });
  });

  describe('the log', () => {
    it('counts 1, 2, 3 without gaps and with rising times, through every manager', async () => {
      const { router, clients, watch } = await enter(stage);
      const work = [clients.pim, clients.dvmrp].map(async (client, at) => {
        for (let round = 0; round < 20; round++) {
          ok(await client.takeAll(pairs(10, 100 * at + 1)));
          ok(await client.releaseAll(pairs(10, 100 * at + 1)));
        }
      });
      await Promise.all(work);
      const events = await router.eventsAfter(0);
      expect(events.map(({ rev }) => rev)).toEqual(Array.from({ length: 803 }, (_, at) => at + 1));
      const times = events.map(({ ts }) => ts);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      await expectPushedAfter(0, router, watch);
    });

    it('is read in pages that begin after `from` and have at most `limit` events', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(20)));
      const read: number[] = [];
      for (let from = 0; from < 23;) {
        const page = ok(await router.request('events', { from, limit: 7 }));
        expect(page).toMatchObject({ head: 23, first: 1 });
        expect(page.events.length).toBeGreaterThan(0);
        expect(page.events.length).toBeLessThanOrEqual(7);
        read.push(...page.events.map(({ rev }) => rev));
        from = read.at(-1) ?? from;
      }
      expect(read).toEqual(Array.from({ length: 23 }, (_, at) => at + 1));
      expect(ok(await router.request('events', { from: 23 })).events).toEqual([]);
    });

    it('can be read from the middle of the events of one request', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(10)));
      for (let from = 3; from < 13; from++) {
        const [first] = ok(await router.request('events', { from, limit: 1 })).events;
        expect(first).toMatchObject({ rev: from + 1, ifIndex: from - 2 });
      }
    });

    it('has one id: the same in events, interfaces and head', async () => {
      const { router, watch } = await enter(stage, 'S3(pim)');
      const { log } = ok(await router.request('events', { from: 0 }));
      expect(log).toMatch(/./);
      for (let again = 0; again < 6; again++) {
        expect(ok(await router.request('events', { from: 0 })).log).toBe(log);
        expect(ok(await router.request('interfaces', {})).log).toBe(log);
      }
      await eventually(() => expect(watch.heads.at(-1)).toMatchObject({ log, rev: 5, first: 1 }), {
        withinMs: 30_000,
      });
    });

    it('has another id on another router', async () => {
      const logs = new Set<string>();
      for (let count = 0; count < 3; count++) {
        const { router } = await enter(stage);
        logs.add(ok(await router.request('events', { from: 0 })).log);
      }
      expect(logs.size).toBe(3);
    });

    it.concurrent('is announced by a head at least once a second', async () => {
      const { router, watch } = await enter(stage);
      const first = await eventually(() => headAt(watch.heads, 0), { withinMs: 30_000 });
      // At least three more arrive within four seconds; the fifth second is for a busy machine.
      await eventually(() => headAt(watch.heads, 3), { withinMs: 30_000 });
      expect(first).toMatchObject({ rev: await router.rev(), first: 1, ts: expect.any(Number) });
    });
  });
});

function headAt(heads: readonly object[], at: number): object {
  const head = heads[at];
  if (!head) throw new Error(`${heads.length} heads so far`);
  return head;
}
