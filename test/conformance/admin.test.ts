import { describe, expect, it } from 'vitest';
import { eventually } from '@mgm/test-support';
import { expectDeadHandle, expectPushedMailbox, expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { pairs, Protocols } from '../support/raw-client.ts';
import { enter } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

const ADMIN = { actor: 'operator', why: 'a stuck worker' };
/** The causes of `DISABLE_IGMP` and `ENABLE_IGMP` that pushed callbacks may have; wire contract, section 4. */
const PAIR_CAUSE = expect.stringMatching(/^(take|release|expire|evict)$/);
const WITHIN = { withinMs: 30_000 };

overReplicas((stage) => {
  describe('admin.release', () => {
    it('frees the interface and returns its former owner', async () => {
      const { router } = await enter(stage, 'S2(pim)');
      const { status, rev, ...previous } = ok(await router.owner(7));
      const reply = ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
      expect(reply).toMatchObject({ previous, rev: rev + 1, status });
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('sends the former owner OWNERSHIP_LOST with epoch, cause and why', async () => {
      const { router, clients, watch } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7, '10.0.0.1'));
      const fields = { ifIndex: 7, nextHop: '10.0.0.1' };
      ok(await router.request('admin.release', { ...fields, ...ADMIN }));
      expect(await clients.pim.mailbox()).toMatchObject([
        {
          seq: 1,
          type: 'OWNERSHIP_LOST',
          ts: expect.any(Number),
          ...fields,
          epoch,
          cause: 'admin',
          why: ADMIN.why,
        },
      ]);
      await expectPushedMailbox(clients.pim, watch);
    });

    it('sends IGMP on the interface the callbacks of a release', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { rev } = ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
      const fields = { ifIndex: 7, nextHop: '', rev, cause: PAIR_CAUSE };
      expect(await clients.igmp.mailbox()).toMatchObject([
        { seq: 1, type: 'DISABLE_IGMP', ...fields },
        { seq: 2, type: 'ENABLE_IGMP', ...fields },
      ]);
      expect(ok(await router.owner(7))).toMatchObject(clients.igmp.named);
    });

    it('leaves the session alive: it may take again', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(2)));
      ok(await router.request('admin.release', { ifIndex: 1, ...ADMIN }));
      ok(await clients.pim.keepalive());
      expect(ok(await router.owner(2))).toMatchObject(clients.pim.named);
      expectRefused(await clients.pim.release(1), 87, 'not-found');
      ok(await clients.pim.take(1));
    });

    it('lets another client take the interface immediately', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      ok(await router.request('admin.release', { ifIndex: 7, ...ADMIN }));
      ok(await clients.dvmrp.take(7));
      expectRefused(await clients.pim.release(7), 87, 'not-owner');
    });

    it('is refused for an interface without an owner', async () => {
      const { router } = await enter(stage);
      const rev = await router.rev();
      const reply = await router.request('admin.release', { ifIndex: 7, ...ADMIN });
      expect(reply).toMatchObject({ reason: 'not-found', rev });
      expect(await router.rev()).toBe(rev);
    });
  });

  describe('admin.evict', () => {
    it('ends the session, frees its interfaces and returns their number', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.takeAll(pairs(3)));
      const { session } = clients.pim;
      const reply = await router.request('admin.evict', { session, ...ADMIN });
      expect(reply).toMatchObject({ status: 0, released: 3 });
      for (const ifIndex of [1, 2, 3])
        expectRefused(await router.owner(ifIndex), 1168, 'not-found');
      expectDeadHandle(await clients.pim.keepalive());
      expectDeadHandle(await clients.pim.take(9));
      const { items } = ok(await router.request('sessions', {}));
      expect(items.map((item) => item.session)).not.toContain(session);
    });

    it('pushes OWNERSHIP_LOST for each interface, with cause and why', async () => {
      const { router, clients, watch } = await enter(stage);
      const { session } = clients.pim;
      const { results } = ok(await clients.pim.takeAll(pairs(2)));
      ok(await router.request('admin.evict', { session, ...ADMIN }));
      const lost = { type: 'OWNERSHIP_LOST', nextHop: '', cause: 'evict', why: ADMIN.why };
      await eventually(() => {
        const pushed = watch.callbacksOf(session).toSorted((a, b) => a.ifIndex - b.ifIndex);
        expect(pushed).toMatchObject(
          results.map(({ epoch }, at) => ({ ...lost, ifIndex: at + 1, epoch })),
        );
      }, WITHIN);
    });

    it('sends IGMP on the interface its callbacks with cause evict', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      ok(await router.request('admin.evict', { session: clients.pim.session, ...ADMIN }));
      await eventually(async () => {
        expect(await clients.igmp.mailbox()).toMatchObject([
          { type: 'DISABLE_IGMP', ifIndex: 7, cause: 'evict' },
          { type: 'ENABLE_IGMP', ifIndex: 7, cause: 'evict' },
        ]);
      }, WITHIN);
      expect(ok(await router.owner(7))).toMatchObject(clients.igmp.named);
    });

    it('of an IGMP session logs igmp-released and leaves the owner', async () => {
      const { router, clients } = await enter(stage, 'S3(pim)');
      const { igmp, pim } = clients;
      const reply = await router.request('admin.evict', { session: igmp.session, ...ADMIN });
      expect(reply).toMatchObject({ status: 0, released: 1 });
      await eventually(async () => {
        expect(await router.eventsAfter(5)).toMatchObject([
          { type: 'evicted', ...igmp.named, ...ADMIN },
          { type: 'igmp-released', ...igmp.named, ifIndex: 7, cause: 'evict' },
        ]);
      }, WITHIN);
      const owner = ok(await router.owner(7));
      expect(owner).toMatchObject(pim.named);
      expect(owner).not.toHaveProperty('igmp');
    });

    it('lets the pair register again, without any interface', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      ok(await router.request('admin.evict', { session: clients.pim.session, ...ADMIN }));
      const next = await router.register({ protocolId: Protocols.pim });
      expect(next.registered).toMatchObject({ resumed: false });
      expect(next.session).not.toBe(clients.pim.session);
      ok(await next.take(7));
    });

    it('frees a thousand interfaces for the next take, with one released event each', async () => {
      const { router, clients } = await enter(stage);
      const { pim, dvmrp } = clients;
      ok(await pim.takeAll(pairs(1000)));
      const rev = await router.rev();
      const reply = await router.request('admin.evict', { session: pim.session, ...ADMIN });
      expect(reply).toMatchObject({ status: 0, released: 1000 });
      const { results } = ok(await dvmrp.takeAll(pairs(1000)));
      expect(results.filter(({ status }) => status === 0)).toHaveLength(1000);
      await eventually(async () => {
        const events = await router.eventsAfter(rev);
        expect(events).toHaveLength(2001);
        expect(events[0]).toMatchObject({ type: 'evicted' });
        const released = events.filter(({ type }) => type === 'released');
        expect(new Set(released.map(({ ifIndex }) => ifIndex)).size).toBe(1000);
      }, WITHIN);
    });

    it('is NOT_FOUND for an unknown session', async () => {
      const { router, clients } = await enter(stage);
      const rev = await router.rev();
      const session = clients.igmp.session + 1000;
      const reply = await router.request('admin.evict', { session, ...ADMIN });
      expectRefused(reply, 1168, 'not-found', { rev });
    });

    it('is NOT_FOUND when it is repeated', async () => {
      const { router, clients } = await enter(stage);
      const evict = { session: clients.pim.session, ...ADMIN };
      ok(await router.request('admin.evict', evict));
      expectRefused(await router.request('admin.evict', evict), 1168, 'not-found');
    });
  });
});
