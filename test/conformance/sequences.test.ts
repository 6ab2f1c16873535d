import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

overReplicas((stage) => {
  describe('5.1 start-up', () => {
    it('register, owner, take: IGMP on the interface gets its callbacks', async () => {
      const { router, igmp } = await igmpOn(stage, [1, 3]);
      const pim = await router.register({ protocolId: Protocols.pim });
      const found = [];
      for (const ifIndex of [1, 2, 3]) found.push((await router.owner(ifIndex)).status);
      expect(found).toEqual([0, 1168, 0]);
      for (const ifIndex of [1, 2, 3]) ok(await pim.take(ifIndex));
      expect(await igmp.mailbox()).toMatchObject([
        { seq: 1, type: 'DISABLE_IGMP', ifIndex: 1, cause: 'take' },
        { seq: 2, type: 'ENABLE_IGMP', ifIndex: 1, cause: 'take' },
        { seq: 3, type: 'DISABLE_IGMP', ifIndex: 3, cause: 'take' },
        { seq: 4, type: 'ENABLE_IGMP', ifIndex: 3, cause: 'take' },
      ]);
    });

    it('IGMP can read the owner of an interface before it takes it', async () => {
      const router = stage.router();
      const pim = await router.register({ protocolId: Protocols.pim });
      ok(await pim.take(1));
      const igmp = await router.register({ protocolId: Protocols.igmp });
      expect(ok(await router.owner(1))).toMatchObject(pim.named);
      ok(await igmp.take(1));
      expect(await pim.mailbox()).toEqual([]);
      expect(await igmp.mailbox()).toEqual([]);
    });

    it('returns the new owner no later than ENABLE_IGMP is received', async () => {
      const { router, igmp } = await igmpOn(stage, [1]);
      using watch = router.watch();
      const pim = await router.register({ protocolId: Protocols.pim });
      const { rev, epoch } = ok(await pim.take(1));
      const [, enable] = await igmp.mailbox();
      expect(enable).toMatchObject({ type: 'ENABLE_IGMP', rev });
      expect(ok(await router.owner(1))).toMatchObject({ ...pim.named, epoch });
      expect(watch.callbacksOf(pim.session)).toEqual([]);
    });
  });

  describe('5.5 shutdown', () => {
    it('after each release and deregister the handle is dead', async () => {
      const { router, igmp } = await igmpOn(stage, [1, 3]);
      const pim = await router.register({ protocolId: Protocols.pim });
      for (const ifIndex of [1, 2, 3]) ok(await pim.take(ifIndex));
      const { mailbox } = ok(await igmp.keepalive());
      for (const ifIndex of [1, 2, 3]) ok(await pim.release(ifIndex));
      expect(await igmp.mailbox(mailbox)).toMatchObject([
        { seq: 5, type: 'DISABLE_IGMP', ifIndex: 1, cause: 'release' },
        { seq: 6, type: 'ENABLE_IGMP', ifIndex: 1, cause: 'release' },
        { seq: 7, type: 'DISABLE_IGMP', ifIndex: 3, cause: 'release' },
        { seq: 8, type: 'ENABLE_IGMP', ifIndex: 3, cause: 'release' },
      ]);
      ok(await pim.deregister());
      expectRefused(await pim.keepalive(), 87, 'bad-handle');
      expectRefused(await pim.take(1), 87, 'bad-handle');
      expectRefused(await pim.deregister(), 87, 'bad-handle');
    });

    it('IGMP stays on its interface', async () => {
      const { router, igmp } = await igmpOn(stage, [1]);
      const pim = await router.register({ protocolId: Protocols.pim });
      ok(await pim.take(1));
      ok(await pim.release(1));
      ok(await pim.deregister());
      expect(ok(await router.owner(1))).toMatchObject(igmp.named);
    });

    it('another routing protocol can take the released interfaces', async () => {
      const router = stage.router();
      const pim = await router.register({ protocolId: Protocols.pim });
      ok(await pim.take(1));
      const dvmrp = await router.register({ protocolId: Protocols.dvmrp });
      expectRefused(await dvmrp.take(1), 183, 'already-owned');
      ok(await pim.release(1));
      ok(await dvmrp.take(1));
      expect(ok(await router.owner(1))).toMatchObject(dvmrp.named);
    });
  });
});

async function igmpOn(stage: Stage, ifIndexes: readonly number[]) {
  const router = stage.router();
  const igmp = await router.register({ protocolId: Protocols.igmp });
  for (const ifIndex of ifIndexes) ok(await igmp.take(ifIndex));
  return { router, igmp };
}
