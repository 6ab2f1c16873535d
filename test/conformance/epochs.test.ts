import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { pairs, Protocols } from '../support/raw-client.ts';
import { enter } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

const ADMIN = { actor: 'operator', why: 'a test' };
const MINUTE_US = 60_000_000n;

overReplicas((stage) => {
  describe('section 6: epochs', () => {
    it('are decimal strings near the store time in microseconds', async () => {
      const client = await stage.router().register();
      const { epoch } = ok(await client.take(7));
      expect(epoch).toMatch(/^[1-9][0-9]*$/);
      const aheadUs = BigInt(epoch) - BigInt(Date.now()) * 1000n;
      expect(aheadUs < MINUTE_US && aheadUs > -MINUTE_US).toBe(true);
    });

    it('rise over all interfaces of a router, however an interface changes its owner', async () => {
      const router = stage.router();
      const given: bigint[] = [];
      const give = (epoch: string | undefined): number => given.push(BigInt(epoch ?? 0));
      const pim = await router.register({ protocolId: Protocols.pim });
      const dvmrp = await router.register({ protocolId: Protocols.dvmrp });
      const igmp = await router.register({ protocolId: Protocols.igmp });
      give(ok(await pim.take(1)).epoch);
      give(ok(await pim.take(2)).epoch);
      give(ok(await igmp.take(1)).epoch);
      ok(await pim.release(1));
      give(ok(await dvmrp.take(1)).epoch);
      ok(await dvmrp.release(1));
      give(ok(await pim.take(1)).epoch);
      for (const { epoch } of ok(await dvmrp.takeAll(pairs(20, 10))).results) give(epoch);
      const next = await router.register({ protocolId: Protocols.pim, takeover: true });
      give(next.registered.epoch);
      give(ok(await next.take(3)).epoch);
      ok(await router.request('admin.release', { ifIndex: 2, ...ADMIN }));
      give(ok(await dvmrp.take(2)).epoch);
      const { session } = dvmrp;
      ok(await router.request('admin.evict', { session, ...ADMIN }));
      give(ok(await next.take(2)).epoch);
      expect(given).toEqual([...new Set(given)].toSorted((a, b) => (a < b ? -1 : 1)));
      expect(given).toHaveLength(29);
    });

    it('rise while a hundred interfaces are taken and released concurrently through every manager', async () => {
      const router = stage.router();
      const a = await router.register({ protocolId: Protocols.pim });
      const { handle } = a;
      const all = [];
      for (let seq = 1; seq <= 200; seq++) {
        const op = seq % 2 ? 'take' : 'release';
        all.push(router.request(op, { handle, seq, ack: 1, ifIndex: Math.ceil(seq / 2) }));
      }
      await Promise.all(all);
      const events = (await router.eventsAfter(1)).filter(({ type }) => type === 'taken');
      const epochs = events.map(({ epoch }) => BigInt(epoch ?? 0));
      expect(epochs).toHaveLength(100);
      expect(epochs).toEqual([...new Set(epochs)].toSorted((x, y) => (x < y ? -1 : 1)));
    });

    it('of IGMP and of the owner are different', async () => {
      const { router, clients } = await enter(stage);
      const igmp = ok(await clients.igmp.take(7));
      const pim = ok(await clients.pim.take(7));
      expect(ok(await router.owner(7))).toMatchObject({
        epoch: pim.epoch,
        igmp: { epoch: igmp.epoch },
      });
    });

    it('do not change while other interfaces change their owners', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      ok(await clients.dvmrp.takeAll(pairs(10, 100)));
      ok(await clients.igmp.take(7));
      ok(await clients.igmp.release(7));
      expect(ok(await router.owner(7)).epoch).toBe(epoch);
    });
  });

  describe('validate', () => {
    it('accepts the epoch in force', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7, '10.0.0.1'));
      const asked = { ifIndex: 7, nextHop: 0x0a000001, epoch };
      expect(await router.request('validate', asked)).toMatchObject({ status: 0, current: epoch });
    });

    it('accepts the epoch of IGMP where it is alone', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.igmp.take(7));
      const reply = await router.request('validate', { ifIndex: 7, epoch });
      expect(reply).toMatchObject({ status: 0, current: epoch });
    });

    it('refuses an older epoch with the one in force', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      ok(await clients.pim.release(7));
      const { epoch: current } = ok(await clients.dvmrp.take(7));
      for (const older of [epoch, '1', '0', String(BigInt(current) - 1n)]) {
        const reply = await router.request('validate', { ifIndex: 7, epoch: older });
        expectRefused(reply, 87, 'not-owner', { current });
      }
    });

    it('does not accept an epoch that was never granted', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      const newer = String(BigInt(epoch) + 1n);
      expect((await router.request('validate', { ifIndex: 7, epoch: newer })).status).not.toBe(0);
    });

    it('refuses any epoch of a free interface, with `current`', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      ok(await clients.pim.release(7));
      for (const asked of [epoch, '0', '1']) {
        const reply = await router.request('validate', { ifIndex: 7, epoch: asked });
        expectRefused(reply, 87, 'not-owner', { current: expect.stringMatching(/^[0-9]+$/) });
      }
    });

    it('refuses the epoch from before a takeover and accepts the new one, on every interface', async () => {
      const { router, clients } = await enter(stage);
      const { results } = ok(await clients.pim.takeAll(pairs(3)));
      const next = await router.register({ protocolId: Protocols.pim, takeover: true });
      const current = next.registered.epoch;
      for (const [at, { epoch }] of results.entries()) {
        const ifIndex = at + 1;
        const old = await router.request('validate', { ifIndex, epoch });
        expectRefused(old, 87, 'not-owner', { current });
        ok(await router.request('validate', { ifIndex, epoch: current }));
      }
    });

    it('compares epochs as integers: 20 digits are no float', async () => {
      const { router, clients } = await enter(stage, 'S2(pim)');
      const { epoch } = ok(await router.owner(7));
      for (const wrong of [`${epoch}0000`, epoch.slice(0, -1), `${BigInt(epoch) + (1n << 64n)}`]) {
        expect((await router.request('validate', { ifIndex: 7, epoch: wrong })).status).not.toBe(0);
      }
      expect(ok(await clients.pim.release(7)).status).toBe(0);
    });
  });

  describe('release with an epoch', () => {
    it('is carried out when it is the epoch in force', async () => {
      const { router, clients } = await enter(stage);
      const { epoch } = ok(await clients.pim.take(7));
      ok(await clients.pim.change('release', { ifIndex: 7, epoch }));
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('is refused otherwise, and the interface keeps its owner', async () => {
      const { router, clients } = await enter(stage);
      const before = ok(await clients.pim.take(7)).epoch;
      ok(await clients.pim.release(7));
      const { epoch, rev } = ok(await clients.pim.take(7));
      for (const wrong of [before, '1', `${BigInt(epoch) + 1n}`, `${epoch}0`]) {
        const reply = await clients.pim.change('release', { ifIndex: 7, epoch: wrong });
        expectRefused(reply, 87, 'not-owner', { rev });
      }
      expect(ok(await router.owner(7)).epoch).toBe(epoch);
    });

    it('needs the new epoch after a takeover', async () => {
      const { router, clients } = await enter(stage);
      const old = ok(await clients.pim.take(7)).epoch;
      const next = await router.register({ protocolId: Protocols.pim, takeover: true });
      expectRefused(await next.change('release', { ifIndex: 7, epoch: old }), 87, 'not-owner');
      ok(await next.change('release', { ifIndex: 7, epoch: next.registered.epoch }));
    });

    it('compares with the epoch of IGMP when IGMP releases', async () => {
      const { router, clients } = await enter(stage);
      const pim = ok(await clients.pim.take(7)).epoch;
      const igmp = ok(await clients.igmp.take(7)).epoch;
      const wrong = await clients.igmp.change('release', { ifIndex: 7, epoch: pim });
      expectRefused(wrong, 87, 'not-owner');
      ok(await clients.igmp.change('release', { ifIndex: 7, epoch: igmp }));
      expect(ok(await router.owner(7)).epoch).toBe(pim);
    });
  });
});
