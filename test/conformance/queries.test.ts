import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { enter } from '../support/scene.ts';
import { overReplicas } from '../support/stage.ts';

/** Spellings of the same next hop, the canonical text first (section 2). */
const NEXT_HOPS: readonly (readonly [canonical: string, ...others: unknown[]])[] = [
  ['', undefined, 0, '0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0.0.0.0'],
  ['10.0.0.1', 0x0a000001],
  ['255.255.255.255', 0xffffffff],
  ['0.0.0.1', 1],
  ['fe80::1', 'FE80::1', 'fe80:0:0:0:0:0:0:1', 'fe80:0000:0000:0000:0000:0000:0000:0001'],
  ['::1', '0:0:0:0:0:0:0:1', '0::1'],
  ['2001:db8::1:0:0:1', '2001:db8:0:0:1:0:0:1', '2001:DB8:0:0:1::1'],
  ['2001:0:0:1::1', '2001:0:0:1:0:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8::1:1:1:1:1'],
  ['2001:db8::', '2001:db8:0:0:0:0:0:0'],
  ['::a00:1', '::10.0.0.1', '0::0a00:0001'],
  ['2001:db8::a00:1', '2001:db8::10.0.0.1'],
  ['::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:FFFF:0A00:0001'],
];

/** Section 3, rules of register: 10, or a composite id of multicast type whose low 16 bits are 10. */
const IGMP_IDS = [10, 0x4137000a, 0x4000000a, 0x7fff000a];
const NO_IGMP_IDS = [
  [11, 'another plain id'],
  [0x0001000a, 'low bits 10 of unicast type, vendor 1'],
  [0x0137000a, 'low bits 10 of unicast type, Microsoft'],
  [0x3fff000a, 'low bits 10 of unicast type, last vendor'],
  [0x8137000a, 'low bits 10 of type 2'],
  [0xc137000a, 'low bits 10 of type 3'],
  [0x4137000b, 'multicast type with low bits 11'],
  [0x4137010a, 'multicast type with low byte 10'],
] as const;

overReplicas((stage) => {
  describe('table 4.2: who owns an interface', () => {
    it('S0: a free interface is NOT_FOUND', async () => {
      const scene = await enter(stage, 'S0');
      expectRefused(await scene.router.owner(7), 1168, 'not-found');
    });

    it('S1: IGMP alone is the owner', async () => {
      const scene = await enter(stage, 'S1');
      expect(ok(await scene.router.owner(7))).toMatchObject(scene.clients.igmp.named);
    });

    it('S2: a routing protocol alone is the owner, without `igmp`', async () => {
      const scene = await enter(stage, 'S2(pim)');
      const owner = ok(await scene.router.owner(7));
      expect(owner).toMatchObject(scene.clients.pim.named);
      expect(owner).not.toHaveProperty('igmp');
    });

    it('S3: a routing protocol on an interface with IGMP is the owner, with `igmp`', async () => {
      const scene = await enter(stage, 'S3(pim)');
      const { pim, igmp } = scene.clients;
      const owner = ok(await scene.router.owner(7));
      expect(owner).toMatchObject({ ...pim.named, igmp: igmp.named });
      expect(owner.igmp?.epoch).toMatch(/^[0-9]+$/);
      expect(owner.igmp?.epoch).not.toBe(owner.epoch);
    });

    it('S3 to S1: after the routing protocol left, IGMP is the owner', async () => {
      const scene = await enter(stage, 'S3(pim)');
      const { igmp } = ok(await scene.router.owner(7));
      ok(await scene.clients.pim.release(7));
      expect(ok(await scene.router.owner(7))).toMatchObject(igmp ?? {});
    });

    it('returns name, epoch, since and that the owner is not stale', async () => {
      const scene = await enter(stage);
      const { epoch, rev } = ok(await scene.clients.pim.take(7));
      const [taken] = await scene.router.eventsAfter(rev - 1);
      const owner = ok(await scene.router.owner(7));
      expect(owner).toMatchObject({ name: 'pim-1', epoch, stale: false, rev });
      expect(Math.abs(owner.since - (taken?.ts ?? 0))).toBeLessThan(1000);
      expect(Math.abs(owner.since - Date.now())).toBeLessThan(60_000);
    });
  });

  describe('4.4: point-to-multipoint', () => {
    it('keeps owners and IGMP of two next hops of one index apart', async () => {
      const scene = await enter(stage);
      const { pim, dvmrp, igmp } = scene.clients;
      ok(await igmp.take(7, '10.0.0.1'));
      ok(await dvmrp.take(7, '10.0.0.2'));
      ok(await pim.take(7));
      expect(await igmp.mailbox()).toEqual([]);
      ok(await pim.take(7, '10.0.0.1'));
      const nextHop = '10.0.0.1';
      expect(await igmp.mailbox()).toMatchObject([
        { ifIndex: 7, nextHop },
        { ifIndex: 7, nextHop },
      ]);
      expect(ok(await scene.router.owner(7))).toMatchObject(pim.named);
      expect(ok(await scene.router.owner(7, '10.0.0.1'))).toMatchObject({ igmp: igmp.named });
      expect(ok(await scene.router.owner(7, '10.0.0.2'))).toMatchObject(dvmrp.named);
      expect(ok(await scene.router.owner(7, '10.0.0.2'))).not.toHaveProperty('igmp');
    });

    it('(if,0) is no wildcard: NOT_FOUND where only a next hop was taken', async () => {
      const { router, clients } = await enter(stage);
      ok(await clients.pim.take(7, '10.0.0.1'));
      expectRefused(await router.owner(7), 1168, 'not-found');
      expectRefused(await router.owner(7, '10.0.0.2'), 1168, 'not-found');
      expectRefused(await clients.pim.release(7), 87, 'not-found');
      ok(await clients.dvmrp.take(7));
      ok(await clients.dvmrp.release(7));
      expect(ok(await router.owner(7, '10.0.0.1'))).toMatchObject(clients.pim.named);
    });

    it.each(NEXT_HOPS)(
      '%o names one interface however it is written',
      async (canonical, ...others) => {
        const { router, clients } = await enter(stage);
        for (const written of [canonical, ...others]) {
          const { rev } = ok(await clients.pim.take(7, written));
          expect(await router.eventsAfter(rev - 1)).toMatchObject([
            { ifIndex: 7, nextHop: canonical },
          ]);
          for (const other of [canonical, ...others]) {
            expect(ok(await router.owner(7, other))).toMatchObject(clients.pim.named);
          }
          const { items } = ok(await router.request('interfaces', {}));
          expect(items).toMatchObject([{ ifIndex: 7, nextHop: canonical }]);
          ok(await clients.pim.release(7, canonical));
          expectRefused(await router.owner(7, written), 1168, 'not-found');
        }
      },
    );

    it('accepts the lowest and the highest interface index', async () => {
      const { router, clients } = await enter(stage);
      for (const ifIndex of [1, 4_294_967_295]) {
        ok(await clients.pim.take(ifIndex));
        expect(ok(await router.owner(ifIndex))).toMatchObject(clients.pim.named);
      }
    });
  });

  describe('which ids are IGMP', () => {
    it.each(IGMP_IDS)('%i is IGMP: it shares the interface of an owner', async (protocolId) => {
      const router = stage.router();
      const pim = await router.register({ protocolId: Protocols.pim });
      const igmp = await router.register({ protocolId });
      ok(await pim.take(7));
      ok(await igmp.take(7));
      expect(ok(await router.owner(7))).toMatchObject({ ...pim.named, igmp: igmp.named });
    });

    it.each(NO_IGMP_IDS)('%i is not IGMP: %s', async (protocolId) => {
      const router = stage.router();
      const pim = await router.register({ protocolId: Protocols.pim });
      const other = await router.register({ protocolId });
      ok(await pim.take(7));
      expectRefused(await other.take(7), 183, 'already-owned');
    });
  });
});
