import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok, type Answer } from '../support/raw-answers.ts';
import { pairs, Protocols, type RawRouter } from '../support/raw-client.ts';
import type { Fields } from '../support/raw-codec.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

/** Often enough that with three managers each gets some of the repeats. */
const REPEATS = 12;
/** How far `seq` may be above the session's `ack`. */
const WINDOW = 4096;

type Change = 'take' | 'release' | 'deregister';

overReplicas((stage) => {
  describe('the same seq again', () => {
    it('has the answer of the first time and takes once', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      await expectRepeats(router, 'take', request, first);
      expect(ok(await router.owner(7)).epoch).toBe(first.epoch);
    });

    it('has the answer of the first time although the router went on', async () => {
      const { router, a, b } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      ok(await b.takeAll(pairs(20, 100)));
      await expectRepeats(router, 'take', request, first);
    });

    it('releases once, although the interface is owned again', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await router.request('take', { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 }));
      const request = { handle: a.handle, seq: 2, ack: 2, ifIndex: 7 };
      const first = ok(await router.request('release', request));
      ok(await b.take(7));
      await expectRepeats(router, 'release', request, first);
      expect(ok(await router.owner(7))).toMatchObject(b.named);
    });

    it('releases once, although the same session has taken again', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 1, ack: 1, ifIndex: 7 }));
      const request = { handle, seq: 2, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('release', request));
      ok(await router.request('take', { handle, seq: 3, ack: 1, ifIndex: 7 }));
      await expectRepeats(router, 'release', request, first);
      expect(ok(await router.owner(7))).toMatchObject(a.named);
    });

    it('is refused again, although the interface is free by now', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await b.take(7));
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = await router.request('take', request);
      expectRefused(first, 183, 'already-owned');
      ok(await b.release(7));
      await expectRepeats(router, 'take', request, first);
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('takes nothing after taken, released, taken and released by another', async () => {
      const { router, a, b } = await twoClients(stage);
      const { handle } = a;
      const request = { handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      ok(await router.request('release', { handle, seq: 2, ack: 1, ifIndex: 7 }));
      ok(await b.take(7));
      ok(await b.release(7));
      await expectRepeats(router, 'take', request, first);
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('is refused again as a release, although the session owns the interface by now', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const request = { handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = await router.request('release', request);
      expectRefused(first, 87, 'not-found');
      ok(await router.request('take', { handle, seq: 2, ack: 1, ifIndex: 7 }));
      await expectRepeats(router, 'release', request, first);
      expect(ok(await router.owner(7))).toMatchObject(a.named);
    });

    it('answers a bulk take as the first time, with results and epochs', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await b.take(2));
      const request = { handle: a.handle, seq: 1, ack: 1, interfaces: pairs(3) };
      const first = ok(await router.request('take', request));
      expect(first.results.map(({ status }) => status)).toEqual([0, 183, 0]);
      ok(await b.release(2));
      await expectRepeats(router, 'take', request, first);
      expectRefused(await router.owner(2), 1168, 'not-found');
    });

    it('answers a bulk release as the first time', async () => {
      const { router, a, b } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 1, ack: 1, interfaces: pairs(2) }));
      const request = { handle, seq: 2, ack: 2, interfaces: pairs(3) };
      const first = ok(await router.request('release', request));
      expect(first.results.map(({ status }) => status)).toEqual([0, 0, 87]);
      ok(await b.takeAll(pairs(3)));
      await expectRepeats(router, 'release', request, first);
      expect(ok(await router.owner(1))).toMatchObject(b.named);
    });

    it('answers a refused deregister as the first time, although it would be possible by now', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 1, ack: 1, ifIndex: 7 }));
      const request = { handle, seq: 2, ack: 1 };
      const first = await router.request('deregister', request);
      expectRefused(first, 1003, 'owns-interfaces');
      ok(await router.request('release', { handle, seq: 3, ack: 1, ifIndex: 7 }));
      await expectRepeats(router, 'deregister', request, first);
      ok(await a.keepalive());
    });

    it('answers a deregister as the first time, although the session has ended', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1 };
      const first = ok(await router.request('deregister', request));
      await expectRepeats(router, 'deregister', request, first);
      expectRefused(await a.keepalive(), 87, 'bad-handle');
    });

    it('answers a deregister as the first time, although the pair is registered again', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1, force: true };
      const first = ok(await router.request('deregister', request));
      const next = await router.register({ componentId: 1 });
      ok(await next.take(7));
      await expectRepeats(router, 'deregister', request, first);
      expect(ok(await router.owner(7))).toMatchObject(next.named);
      ok(await next.keepalive());
    });

    it('tells IGMP once', async () => {
      const { router, a } = await twoClients(stage);
      const igmp = await router.register({ protocolId: Protocols.igmp });
      ok(await igmp.take(7));
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      await expectRepeats(router, 'take', request, first);
      expect(await igmp.mailbox()).toHaveLength(2);
    });

    it('takes once, also when all copies are under way together', async () => {
      const { router, a } = await twoClients(stage);
      const rev = await router.rev();
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const copies = Array.from({ length: REPEATS }, () => router.request('take', request));
      const answers = await Promise.all(copies);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]).toMatchObject({ status: 0, rev: rev + 1 });
      expect(await router.eventsAfter(rev)).toHaveLength(1);
    });

    it('numbers of two sessions have nothing to do with each other', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await router.request('take', { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 }));
      ok(await router.request('take', { handle: b.handle, seq: 1, ack: 1, ifIndex: 8 }));
      expect(ok(await router.owner(8))).toMatchObject(b.named);
    });
  });

  describe('ack', () => {
    it('makes what is below it stale', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 5, ack: 5, ifIndex: 7 }));
      const rev = await router.rev();
      for (const seq of [1, 4]) {
        const late = { handle, seq, ack: seq, ifIndex: 8 };
        expectRefused(await router.request('take', late), 87, 'stale-request', { rev });
      }
      expectRefused(await router.owner(8), 1168, 'not-found');
    });

    it('makes a repeat of what was finished stale', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const first = { handle, seq: 1, ack: 1, ifIndex: 7 };
      ok(await router.request('take', first));
      ok(await router.request('release', { handle, seq: 2, ack: 2, ifIndex: 7 }));
      expectRefused(await router.request('take', first), 87, 'stale-request');
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('counts in a refused request too', async () => {
      const { router, a, b } = await twoClients(stage);
      const { handle } = a;
      ok(await b.take(7));
      const refused = await router.request('take', { handle, seq: 3, ack: 3, ifIndex: 7 });
      expectRefused(refused, 183, 'already-owned');
      const late = await router.request('take', { handle, seq: 2, ack: 1, ifIndex: 8 });
      expectRefused(late, 87, 'stale-request');
    });

    it('counts in a keepalive too', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await a.keepalive({ ack: 3 }));
      const late = await router.request('take', { handle, seq: 2, ack: 2, ifIndex: 7 });
      expectRefused(late, 87, 'stale-request');
      ok(await router.request('take', { handle, seq: 3, ack: 3, ifIndex: 7 }));
    });

    it('never falls: a lower one is no way back', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 5, ack: 5, ifIndex: 7 }));
      ok(await router.request('take', { handle, seq: 6, ack: 1, ifIndex: 8 }));
      ok(await a.keepalive({ ack: 1 }));
      const late = await router.request('take', { handle, seq: 4, ack: 1, ifIndex: 9 });
      expectRefused(late, 87, 'stale-request');
    });

    it('lets the number it names be repeated', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 5, ack: 5, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      ok(await a.keepalive({ ack: 5 }));
      expect(await router.request('take', request)).toEqual(first);
    });

    it('above seq is a bad request', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 2, ack: 3, ifIndex: 7 };
      expectRefused(await router.request('take', request), 87, 'bad-request', { field: 'ack' });
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('drops an abandoned take that arrives late, through whichever manager', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 2, ack: 2, ifIndex: 8 }));
      const rev = await router.rev();
      for (let copy = 0; copy < REPEATS; copy++) {
        const late = await router.request('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
        expectRefused(late, 87, 'stale-request', { rev });
      }
      expectRefused(await router.owner(7), 1168, 'not-found');
    });
  });

  describe('order', () => {
    it('decides a release and a take that arrive the wrong way round as they come', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const release = { handle, seq: 2, ack: 1, ifIndex: 7 };
      const take = { handle, seq: 1, ack: 1, ifIndex: 7 };
      const refused = await router.request('release', release);
      expectRefused(refused, 87, 'not-found');
      const taken = ok(await router.request('take', take));
      await expectRepeats(router, 'release', release, refused);
      await expectRepeats(router, 'take', take, taken);
      expect(ok(await router.owner(7))).toMatchObject({ ...a.named, epoch: taken.epoch });
    });

    it('takes numbers in any order within the window', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      for (const seq of [3, 1, 5, 2, 4]) {
        ok(await router.request('take', { handle, seq, ack: 1, ifIndex: seq }));
      }
      for (const ifIndex of [1, 2, 3, 4, 5])
        expect(ok(await router.owner(ifIndex))).toMatchObject(a.named);
    });
  });

  describe('window', () => {
    it('lets seq be 4096 above ack and not one more', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const rev = await router.rev();
      const over = { handle, seq: 2 + WINDOW, ack: 1, ifIndex: 7 };
      expectRefused(await router.request('take', over), 87, 'bad-request', { field: 'seq', rev });
      expectRefused(await router.owner(7), 1168, 'not-found');
      ok(await router.request('take', { handle, seq: 1 + WINDOW, ack: 1, ifIndex: 7 }));
    });

    it('moves with the highest ack of the session, whichever message brought it', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await a.keepalive({ ack: 2000 }));
      ok(await router.request('take', { handle, seq: 2000 + WINDOW, ack: 1000, ifIndex: 7 }));
      const over = { handle, seq: 2001 + WINDOW, ack: 2000, ifIndex: 8 };
      expectRefused(await router.request('take', over), 87, 'bad-request', { field: 'seq' });
    });

    it('keeps the answer to every number of it', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const take = (seq: number): Promise<Answer<'take'>> =>
        router.request('take', { handle, seq, ack: 1, ifIndex: seq });
      const seqs = Array.from({ length: WINDOW + 1 }, (_, at) => at + 1);
      const first = await inGroupsOf(256, seqs, take);
      for (const answer of first) ok(answer);
      const rev = await router.rev();
      expect(await inGroupsOf(256, seqs, take)).toEqual(first);
      expect(await router.rev()).toBe(rev);
    });
  });
});

async function twoClients(stage: Stage) {
  const router = stage.router();
  const a = await router.register({ protocolId: Protocols.pim, name: 'a' });
  const b = await router.register({ protocolId: Protocols.dvmrp, name: 'b' });
  return { router, a, b };
}

/** Sends a request again and again: always the first answer, and nothing changes. */
async function expectRepeats(
  router: RawRouter,
  op: Change,
  request: Fields,
  first: Answer<Change>,
): Promise<void> {
  const rev = await router.rev();
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    expect(await router.request(op, request)).toEqual(first);
  }
  expect(await router.rev()).toBe(rev);
}

async function inGroupsOf<In, Out>(
  size: number,
  all: readonly In[],
  each: (one: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  for (let at = 0; at < all.length; at += size) {
    results.push(...(await Promise.all(all.slice(at, at + size).map(each))));
  }
  return results;
}
