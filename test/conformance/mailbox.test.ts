import { describe, expect, it } from 'vitest';
import { expectPushedMailbox, expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { newInstance, pairs, Protocols } from '../support/raw-client.ts';
import { enter } from '../support/scene.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

overReplicas((stage) => {
  describe('section 4: callbacks', () => {
    it('are numbered 1, 2, 3 per session without gaps, and are pushed as they are kept', async () => {
      const { scene, igmp } = await pairsOfThree(stage);
      const messages = await igmp.mailbox();
      expect(messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
      const types = ['DISABLE_IGMP', 'ENABLE_IGMP'];
      expect(messages.map(({ type }) => type)).toEqual([...types, ...types, ...types]);
      expect(messages.map(({ cause }) => cause)).toEqual([
        ...['take', 'take', 'release', 'release', 'take', 'take'],
      ]);
      await expectPushedMailbox(igmp, scene.watch);
    });

    it('are announced by the last number in a keepalive and in the mailbox', async () => {
      const { igmp } = await pairsOfThree(stage);
      expect(await igmp.keepalive()).toMatchObject({ status: 0, ttlMs: 300_000, mailbox: 6 });
      const { router, handle } = igmp;
      expect(ok(await router.request('mailbox', { handle, from: 0 })).head).toBe(6);
      expect(ok(await router.request('register', igmp.asked)).mailbox).toBe(6);
    });

    it('do not exist for a session without changes', async () => {
      const { scene } = await pairsOfThree(stage);
      const { handle, router } = scene.clients.dvmrp;
      const reply = await router.request('mailbox', { handle, from: 0 });
      expect(reply).toMatchObject({ status: 0, messages: [], head: 0 });
      expect(await scene.clients.dvmrp.keepalive()).toMatchObject({ status: 0, mailbox: 0 });
    });

    it('are read from the position after `from`, at most `limit` of them', async () => {
      const { igmp } = await pairsOfThree(stage);
      const { router, handle } = igmp;
      const read = async (from: number, limit: number): Promise<number[]> => {
        const { messages, head } = ok(await router.request('mailbox', { handle, from, limit }));
        expect(head).toBe(6);
        return messages.map(({ seq }) => seq);
      };
      expect(await read(0, 2)).toEqual([1, 2]);
      expect(await read(2, 1)).toEqual([3]);
      expect(await read(3, 1000)).toEqual([4, 5, 6]);
      expect(await read(6, 10)).toEqual([]);
    });

    it('are kept until mailboxAck passes them; reading does not remove them', async () => {
      const { igmp } = await pairsOfThree(stage);
      expect(await igmp.mailbox()).toEqual(await igmp.mailbox());
      const kept = await igmp.mailbox(4);
      expect(await igmp.keepalive({ mailboxAck: 4 })).toMatchObject({ status: 0, mailbox: 6 });
      expect(await igmp.mailbox(4)).toEqual(kept);
      const left = (await igmp.mailbox()).map(({ seq }) => seq);
      // The contract does not say whether 4 passes 4 itself; everything below it must be gone.
      expect(left.filter((seq) => seq !== 4)).toEqual([5, 6]);
    });

    it('continue counting after all of them were acknowledged', async () => {
      const { scene, igmp } = await pairsOfThree(stage);
      ok(await igmp.keepalive({ mailboxAck: 6 }));
      ok(await scene.clients.pim.release(7));
      expect(await igmp.mailbox(6)).toMatchObject([
        { seq: 7, type: 'DISABLE_IGMP' },
        { seq: 8, type: 'ENABLE_IGMP' },
      ]);
    });

    it('are neither restored nor removed by an older mailboxAck', async () => {
      const { igmp } = await pairsOfThree(stage);
      ok(await igmp.keepalive({ mailboxAck: 4 }));
      ok(await igmp.keepalive({ mailboxAck: 1 }));
      expect((await igmp.mailbox(4)).map(({ seq }) => seq)).toEqual([5, 6]);
    });

    it('are in the order of the interfaces of a bulk request', async () => {
      const { clients, watch } = await enter(stage);
      const { igmp, pim } = clients;
      ok(await igmp.takeAll(pairs(50)));
      ok(await pim.takeAll(pairs(50)));
      const messages = await igmp.mailbox();
      expect(messages.map(({ seq }) => seq)).toEqual(
        Array.from({ length: 100 }, (_, at) => at + 1),
      );
      const received = messages.map(({ type, ifIndex }) => `${type} ${ifIndex}`);
      expect(received).toEqual(
        pairs(50).flatMap(([at]) => [`DISABLE_IGMP ${at}`, `ENABLE_IGMP ${at}`]),
      );
      await expectPushedMailbox(igmp, watch);
    });

    it('keep each pair together while a hundred interfaces change their owners concurrently', async () => {
      const { router, clients, watch } = await enter(stage);
      const { igmp, pim, dvmrp } = clients;
      ok(await igmp.takeAll(pairs(100)));
      const changes = [pim, dvmrp].flatMap(({ handle }, side) =>
        pairs(100).map(([at]) => {
          const ifIndex = side === 0 ? at : 101 - at;
          return router.request('take', { handle, seq: at, ack: 1, ifIndex });
        }),
      );
      await Promise.all(changes);
      const messages = await igmp.mailbox();
      expect(messages.map(({ seq }) => seq)).toEqual(
        Array.from({ length: 200 }, (_, at) => at + 1),
      );
      for (let at = 0; at < messages.length; at += 2) {
        const { ifIndex, rev } = messages[at] ?? {};
        expect(messages.slice(at, at + 2)).toMatchObject([
          { type: 'DISABLE_IGMP', ifIndex, rev },
          { type: 'ENABLE_IGMP', ifIndex, rev },
        ]);
      }
      await expectPushedMailbox(igmp, watch);
    });

    it('go only to the IGMP session on the interface', async () => {
      const { router, clients } = await enter(stage);
      const other = await router.register({ protocolId: Protocols.igmp, componentId: 2 });
      ok(await clients.igmp.take(1));
      ok(await other.take(2));
      ok(await clients.pim.take(2));
      expect(await clients.igmp.mailbox()).toEqual([]);
      expect(await other.mailbox()).toMatchObject([{ ifIndex: 2 }, { ifIndex: 2 }]);
    });

    it('are readable only with the handle', async () => {
      const { igmp } = await pairsOfThree(stage);
      const reply = await igmp.router.request('mailbox', { handle: newInstance(), from: 0 });
      expectRefused(reply, 87, 'bad-handle');
    });
  });
});

/** An IGMP session on an interface that a routing protocol takes, releases and takes again. */
async function pairsOfThree(stage: Stage) {
  const scene = await enter(stage, 'S1');
  const { pim, igmp } = scene.clients;
  ok(await pim.take(7));
  ok(await pim.release(7));
  ok(await pim.take(7));
  return { scene, igmp };
}
