import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok, type Reply } from '../support/raw-replies.ts';
import { pairs, Protocols, type RawRouter } from '../support/raw-client.ts';
import type { Fields } from '../support/raw-codec.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

/** Enough repeats that each of three managers gets some of them. */
const REPEATS = 12;
/** How far `seq` may be above the session's `ack`. */
const WINDOW = 4096;

type Change = 'take' | 'release' | 'deregister';

overReplicas((stage) => {
  describe('a repeated seq', () => {
    it('returns the first reply and takes once', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      await expectRepeats(router, 'take', request, first);
      expect(ok(await router.owner(7)).epoch).toBe(first.epoch);
    });

    it('returns the first reply although the router changed since', async () => {
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

    it('is refused again although the interface is free by now', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await b.take(7));
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = await router.request('take', request);
      expectRefused(first, 183, 'already-owned');
      ok(await b.release(7));
      await expectRepeats(router, 'take', request, first);
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('takes nothing after the interface was taken and released by another client', async () => {
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

    it('of a release is refused again although the session owns the interface by now', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const request = { handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = await router.request('release', request);
      expectRefused(first, 87, 'not-found');
      ok(await router.request('take', { handle, seq: 2, ack: 1, ifIndex: 7 }));
      await expectRepeats(router, 'release', request, first);
      expect(ok(await router.owner(7))).toMatchObject(a.named);
    });

    it('of a bulk take returns the first results and epochs', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await b.take(2));
      const request = { handle: a.handle, seq: 1, ack: 1, interfaces: pairs(3) };
      const first = ok(await router.request('take', request));
      expect(first.results.map(({ status }) => status)).toEqual([0, 183, 0]);
      ok(await b.release(2));
      await expectRepeats(router, 'take', request, first);
      expectRefused(await router.owner(2), 1168, 'not-found');
    });

    it('of a bulk release returns the first reply', async () => {
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

    it('of a refused deregister is refused again although it would be possible by now', async () => {
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

    it('of a deregister returns the first reply although the session has ended', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1 };
      const first = ok(await router.request('deregister', request));
      await expectRepeats(router, 'deregister', request, first);
      expectRefused(await a.keepalive(), 87, 'bad-handle');
    });

    it('of a deregister returns the first reply although the pair is registered again', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 1, ack: 1, force: true };
      const first = ok(await router.request('deregister', request));
      const next = await router.register({ componentId: 1 });
      ok(await next.take(7));
      await expectRepeats(router, 'deregister', request, first);
      expect(ok(await router.owner(7))).toMatchObject(next.named);
      ok(await next.keepalive());
    });

    it('sends IGMP its callbacks once', async () => {
      const { router, a } = await twoClients(stage);
      const igmp = await router.register({ protocolId: Protocols.igmp });
      ok(await igmp.take(7));
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      await expectRepeats(router, 'take', request, first);
      expect(await igmp.mailbox()).toHaveLength(2);
    });

    it('takes once when all copies are sent concurrently', async () => {
      const { router, a } = await twoClients(stage);
      const rev = await router.rev();
      const request = { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 };
      const copies = Array.from({ length: REPEATS }, () => router.request('take', request));
      const replies = await Promise.all(copies);
      for (const reply of replies) expect(reply).toEqual(replies[0]);
      expect(replies[0]).toMatchObject({ status: 0, rev: rev + 1 });
      expect(await router.eventsAfter(rev)).toHaveLength(1);
    });

    it('is counted per session', async () => {
      const { router, a, b } = await twoClients(stage);
      ok(await router.request('take', { handle: a.handle, seq: 1, ack: 1, ifIndex: 7 }));
      ok(await router.request('take', { handle: b.handle, seq: 1, ack: 1, ifIndex: 8 }));
      expect(ok(await router.owner(8))).toMatchObject(b.named);
    });
  });

  describe('ack', () => {
    it('makes every lower seq stale', async () => {
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

    it('makes the repeat of a finished request stale', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const first = { handle, seq: 1, ack: 1, ifIndex: 7 };
      ok(await router.request('take', first));
      ok(await router.request('release', { handle, seq: 2, ack: 2, ifIndex: 7 }));
      expectRefused(await router.request('take', first), 87, 'stale-request');
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('also counts in a refused request', async () => {
      const { router, a, b } = await twoClients(stage);
      const { handle } = a;
      ok(await b.take(7));
      const refused = await router.request('take', { handle, seq: 3, ack: 3, ifIndex: 7 });
      expectRefused(refused, 183, 'already-owned');
      const late = await router.request('take', { handle, seq: 2, ack: 1, ifIndex: 8 });
      expectRefused(late, 87, 'stale-request');
    });

    it('also counts in a keepalive', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await a.keepalive({ ack: 3 }));
      const late = await router.request('take', { handle, seq: 2, ack: 2, ifIndex: 7 });
      expectRefused(late, 87, 'stale-request');
      ok(await router.request('take', { handle, seq: 3, ack: 3, ifIndex: 7 }));
    });

    it('never falls: a lower ack reopens nothing', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await router.request('take', { handle, seq: 5, ack: 5, ifIndex: 7 }));
      ok(await router.request('take', { handle, seq: 6, ack: 1, ifIndex: 8 }));
      ok(await a.keepalive({ ack: 1 }));
      const late = await router.request('take', { handle, seq: 4, ack: 1, ifIndex: 9 });
      expectRefused(late, 87, 'stale-request');
    });

    it('allows a repeat of the seq it names', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 5, ack: 5, ifIndex: 7 };
      const first = ok(await router.request('take', request));
      ok(await a.keepalive({ ack: 5 }));
      expect(await router.request('take', request)).toEqual(first);
    });

    it('above seq is a bad-request', async () => {
      const { router, a } = await twoClients(stage);
      const request = { handle: a.handle, seq: 2, ack: 3, ifIndex: 7 };
      expectRefused(await router.request('take', request), 87, 'bad-request', { field: 'ack' });
      expectRefused(await router.owner(7), 1168, 'not-found');
    });

    it('refuses an abandoned take that arrives late, through any manager', async () => {
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
    it('decides a release and a take in the order of their arrival', async () => {
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

    it('accepts sequence numbers in any order within the window', async () => {
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
    it('accepts a seq up to 4096 above ack', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const rev = await router.rev();
      const over = { handle, seq: 2 + WINDOW, ack: 1, ifIndex: 7 };
      expectRefused(await router.request('take', over), 87, 'bad-request', { field: 'seq', rev });
      expectRefused(await router.owner(7), 1168, 'not-found');
      ok(await router.request('take', { handle, seq: 1 + WINDOW, ack: 1, ifIndex: 7 }));
    });

    it('moves with the highest ack of the session in any message', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      ok(await a.keepalive({ ack: 2000 }));
      ok(await router.request('take', { handle, seq: 2000 + WINDOW, ack: 1000, ifIndex: 7 }));
      const over = { handle, seq: 2001 + WINDOW, ack: 2000, ifIndex: 8 };
      expectRefused(await router.request('take', over), 87, 'bad-request', { field: 'seq' });
    });

    it('keeps the reply to every sequence number in it', async () => {
      const { router, a } = await twoClients(stage);
      const { handle } = a;
      const take = (seq: number): Promise<Reply<'take'>> =>
        router.request('take', { handle, seq, ack: 1, ifIndex: seq });
      const seqs = Array.from({ length: WINDOW + 1 }, (_, at) => at + 1);
      const first = await inGroupsOf(256, seqs, take);
      for (const reply of first) ok(reply);
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

/** Repeats a request: every reply equals the first one, and nothing changes. */
async function expectRepeats(
  router: RawRouter,
  op: Change,
  request: Fields,
  first: Reply<Change>,
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
