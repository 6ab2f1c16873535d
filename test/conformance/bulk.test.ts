import { describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expectations.ts';
import { ok } from '../support/raw-replies.ts';
import { type Pair, pairs, Protocols } from '../support/raw-client.ts';
import { overReplicas, type Stage } from '../support/stage.ts';

/** Entries that make the whole request malformed. */
const BAD_ENTRIES: readonly unknown[] = [
  [0, ''],
  [4_294_967_296, ''],
  [1.5, ''],
  ['7', ''],
  [7, 'nowhere'],
  [7, true],
  [],
  7,
  '7',
  { ifIndex: 7 },
];

overReplicas((stage) => {
  describe.each(['take', 'release'] as const)('bulk %s', (op) => {
    it.each([1, 1024])('accepts %i entries and returns as many results in order', async (count) => {
      const { router, pim } = await clients(stage);
      if (op === 'release') ok(await pim.takeAll(pairs(count)));
      const before = await router.rev();
      const reply = ok(await pim.change(op, { interfaces: pairs(count) }));
      expect(reply.results.map(({ status }) => status)).toEqual(Array(count).fill(0));
      expect(reply.rev).toBe(before + count);
      expect(reply).not.toHaveProperty('epoch');
      const events = await router.eventsAfter(before);
      expect(events.map(({ ifIndex }) => ifIndex)).toEqual(
        pairs(count).map(([ifIndex]) => ifIndex),
      );
    });

    it.each([0, 1025])('refuses %i entries', async (count) => {
      const { router, pim } = await clients(stage);
      const rev = await router.rev();
      const reply = await pim.change(op, { interfaces: pairs(count) });
      expectRefused(reply, 87, 'bad-request', { field: 'interfaces', rev });
      expect(await router.rev()).toBe(rev);
    });

    it('refuses a request with both ifIndex and interfaces', async () => {
      const { router, pim } = await clients(stage);
      const rev = await router.rev();
      const reply = await pim.change(op, { ifIndex: 1, interfaces: pairs(1) });
      expectRefused(reply, 87, 'bad-request', {
        field: expect.stringMatching(/^(ifIndex|interfaces)$/),
      });
      expect(await router.rev()).toBe(rev);
    });

    it('refuses a request with neither ifIndex nor interfaces', async () => {
      const { pim } = await clients(stage);
      const reply = await pim.change(op, {});
      expectRefused(reply, 87, 'bad-request', {
        field: expect.stringMatching(/^(ifIndex|interfaces)$/),
      });
    });

    it.each(BAD_ENTRIES)('refuses the whole request for a malformed entry: %o', async (entry) => {
      const { router, pim } = await clients(stage);
      const rev = await router.rev();
      const reply = await pim.change(op, { interfaces: [[1, ''], entry, [2, '']] });
      expectRefused(reply, 87, 'bad-request', { field: expect.stringMatching(/^interfaces/) });
      expect(await router.rev()).toBe(rev);
    });

    it.each([7, 'all', { 0: [1, ''] }, true])(
      'refuses interfaces that are no list: %o',
      async (interfaces) => {
        const { pim } = await clients(stage);
        expectRefused(await pim.change(op, { interfaces }), 87, 'bad-request', {
          field: 'interfaces',
        });
      },
    );
  });

  it('decides each take on its own, in order', async () => {
    const { router, pim, dvmrp, igmp } = await clients(stage);
    ok(await dvmrp.take(2));
    ok(await pim.take(3));
    ok(await igmp.take(4));
    const before = await router.rev();
    const { status, rev: _, ...holder } = ok(await router.owner(2));
    expect(status).toBe(0);
    const { results, rev } = ok(await pim.takeAll(pairs(5)));
    expect(results).toMatchObject([
      { status: 0, epoch: expect.any(String) },
      { status: 183, error: 'ERROR_ALREADY_EXISTS', reason: 'already-owned', holder },
      { status: 183, error: 'ERROR_ALREADY_EXISTS', reason: 'already-taken' },
      { status: 0, epoch: expect.any(String) },
      { status: 0, epoch: expect.any(String) },
    ]);
    expect(rev).toBe(before + 3);
    const events = await router.eventsAfter(before);
    expect(events).toMatchObject([1, 4, 5].map((ifIndex) => ({ type: 'taken', ifIndex })));
    const granted = results.flatMap(({ epoch }) => epoch ?? []);
    expect(events.map(({ epoch }) => epoch)).toEqual(granted);
    expect(await igmp.mailbox()).toMatchObject([
      { type: 'DISABLE_IGMP', ifIndex: 4, rev: before + 2 },
      { type: 'ENABLE_IGMP', ifIndex: 4, rev: before + 2 },
    ]);
  });

  it('decides each release on its own, in order', async () => {
    const { router, pim, dvmrp } = await clients(stage);
    ok(await dvmrp.take(2));
    ok(
      await pim.takeAll([
        [1, ''],
        [4, ''],
      ]),
    );
    const before = await router.rev();
    const { results, rev } = ok(await pim.releaseAll(pairs(4)));
    expect(results).toMatchObject([
      { status: 0 },
      { status: 87, error: 'ERROR_INVALID_PARAMETER', reason: 'not-owner' },
      { status: 87, error: 'ERROR_INVALID_PARAMETER', reason: 'not-found' },
      { status: 0 },
    ]);
    expect(rev).toBe(before + 2);
    expect(ok(await router.owner(2))).toMatchObject(dvmrp.named);
  });

  it('has status 0 although every entry is refused', async () => {
    const { router, pim, dvmrp } = await clients(stage);
    ok(await dvmrp.takeAll(pairs(3)));
    const rev = await router.rev();
    const reply = ok(await pim.takeAll(pairs(3)));
    expect(reply.rev).toBe(rev);
    expect(reply.results.map(({ reason }) => reason)).toEqual(Array(3).fill('already-owned'));
  });

  it('takes a duplicate once: the second entry is already taken', async () => {
    const { pim } = await clients(stage);
    const twice: Pair[] = [
      [1, ''],
      [2, ''],
      [1, '0.0.0.0'],
    ];
    const { results } = ok(await pim.takeAll(twice));
    expect(results).toMatchObject([
      { status: 0 },
      { status: 0 },
      { status: 183, reason: 'already-taken' },
    ]);
  });

  it('releases a duplicate once: the second entry is not found', async () => {
    const { pim } = await clients(stage);
    ok(await pim.takeAll(pairs(2)));
    const { results } = ok(
      await pim.releaseAll([
        [1, ''],
        [2, ''],
        [1, 0],
      ]),
    );
    expect(results).toMatchObject([
      { status: 0 },
      { status: 0 },
      { status: 87, reason: 'not-found' },
    ]);
  });

  it('gives each interface a larger epoch than the one before', async () => {
    const { pim } = await clients(stage);
    const { results } = ok(await pim.takeAll(pairs(100)));
    const epochs = results.map(({ epoch }) => BigInt(epoch ?? 0));
    expect(epochs).toEqual([...new Set(epochs)].toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it('accepts next hops in every form', async () => {
    const { router, pim } = await clients(stage);
    ok(
      await pim.takeAll([
        [7, 0x0a000001],
        [7, 'FE80::1'],
        [7, '::'],
        [8, 0],
      ]),
    );
    const { items } = ok(await router.request('interfaces', {}));
    const keys = items.map(({ ifIndex, nextHop }) => `${ifIndex} ${nextHop}`);
    expect(keys.toSorted()).toEqual(['7 ', '7 10.0.0.1', '7 fe80::1', '8 ']);
  });

  it('releases only the interfaces that have the epoch of the request', async () => {
    const { pim } = await clients(stage);
    const { results } = ok(await pim.takeAll(pairs(2)));
    const reply = ok(
      await pim.change('release', { interfaces: pairs(2), epoch: results[1]?.epoch }),
    );
    expect(reply.results).toMatchObject([{ status: 87, reason: 'not-owner' }, { status: 0 }]);
  });
});

async function clients(stage: Stage) {
  const router = stage.router();
  const pim = await router.register({ protocolId: Protocols.pim });
  const dvmrp = await router.register({ protocolId: Protocols.dvmrp });
  const igmp = await router.register({ protocolId: Protocols.igmp });
  return { router, pim, dvmrp, igmp };
}
