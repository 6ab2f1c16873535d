import { eventually, linkTo, notBreakable } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { startWorld, type World } from './own-servers.ts';
import { RequestWatch } from './request-watch.ts';
import { startWorker } from './worker-process.ts';
import { machineMonoMs } from './worker-talk.ts';

const WITHIN = { withinMs: 30_000 };
const TTL_MS = 3_000;
/** Longer than a restart of the store, which takes some seconds in a container on a busy machine. */
const LONG_TTL_MS = 9_000;

async function restartRedis({ servers: { redis } }: World): Promise<void> {
  await redis.kill();
  await redis.start();
}

const logOf = async ({ router }: World): Promise<string> =>
  ok(await router.request('interfaces', { limit: 1 })).log;

/** Enough reads that each of two managers has certainly served one. */
const QUESTIONS = 64;

/** Lets every manager read the router: only a manager that knows its log can notice the loss of it. */
async function seenByAllManagers(world: World): Promise<void> {
  await Promise.all(Array.from({ length: QUESTIONS }, () => logOf(world)));
}

describe('a store that was killed and kept all confirmed changes', () => {
  it.concurrent('costs no worker its session or interface', async (context) => {
    context.skip(notBreakable() !== undefined, notBreakable());
    await using world = await startWorld({ redis: { appendonly: true } });
    const { router, servers } = world;
    using seen = await RequestWatch.of(router);
    const options = { ttlMs: LONG_TTL_MS, interfaces: [1, 2, 3] };
    await using worker = await startWorker(router, servers.nats.url, options);
    const [log, rev] = [await logOf(world), await router.rev()];
    const notedBefore = worker.notes.length;
    await restartRedis(world);
    await seen.leasePasses(seen.handleThatTook(1), WITHIN);

    expect(worker.notes.slice(notedBefore).filter(({ kind }) => kind !== 'sent')).toEqual([]);
    for (const [ifIndex, epoch] of worker.epochs) {
      ok(await router.request('validate', { ifIndex, epoch }));
    }
    expect(await logOf(world)).toBe(log);
    expect(await router.eventsAfter(rev)).toEqual([]);
  });

  it.concurrent('in the middle of takes has each confirmed take once', async (context) => {
    context.skip(notBreakable() !== undefined, notBreakable());
    await using world = await startWorld({ redis: { appendonly: true } });
    const { router } = world;
    const client = await router.register();
    const epochs = new Map<number, string>();
    let restarted: Promise<void> | undefined;
    for (let ifIndex = 1; ifIndex <= 300; ifIndex++) {
      if (ifIndex === 100) restarted = restartRedis(world);
      const fields = { ...client.next(), ifIndex };
      // The same `seq` is repeated until its outcome is known.
      const take = await eventually(async () => ok(await router.request('take', fields)), WITHIN);
      epochs.set(ifIndex, take.epoch);
    }
    await restarted;
    const { items } = ok(await router.request('interfaces', { limit: 1000 }));
    expect(new Map(items.map(({ ifIndex, epoch }) => [ifIndex, epoch]))).toEqual(epochs);
    const taken = (await router.eventsAfter(0)).filter(({ type }) => type === 'taken');
    expect(taken.map(({ ifIndex }) => ifIndex)).toEqual([...epochs.keys()]);
  });
});

describe('a store that restarts empty', () => {
  // The store counts clients from 1 again, and the rival is the first.
  it.concurrent.for([
    { place: 'free', others: 1 },
    { place: "the rival's", others: 0 },
  ])('is filled again by its workers, whose old place is $place', async ({ others }, context) => {
    context.skip(notBreakable() !== undefined, notBreakable());
    await using world = await startWorld({ managers: 2 });
    const { router, servers } = world;
    using watch = router.watch();
    for (let other = 0; other < others; other++) {
      await router.register({ componentId: 9, ttlMs: LONG_TTL_MS });
    }
    await using worker = await startWorker(router, servers.nats.url, {
      ttlMs: LONG_TTL_MS,
      interfaces: [1, 2],
    });
    const log = await logOf(world);
    await seenByAllManagers(world);
    // A stopped worker cannot register first, so a rival requests one of its interfaces before it.
    await worker.tell({ kind: 'stop' }, 'stopping');
    const noted = worker.notes.length;
    await restartRedis(world);
    const rival = await eventually(
      () => router.register({ protocolId: Protocols.dvmrp, name: 'rival' }),
      WITHIN,
    );
    await eventually(async () => {
      expect(await rival.take(2)).toMatchObject({
        status: 1003,
        reason: 'unavailable',
        message: expect.stringContaining('lost data'),
        retryable: true,
        retryAfterMs: expect.any(Number),
      });
    }, WITHIN);
    worker.goOn();

    const recovered = await worker.told('recovered', noted);
    const { regained, missing, session } = recovered;
    expect(missing).toEqual([]);
    expect(regained.map(({ ifIndex }) => ifIndex).toSorted()).toEqual([1, 2]);
    const before = [...worker.epochs.values()].map(BigInt);
    expect(session).not.toBe(worker.session);
    for (const { epoch } of regained) {
      for (const old of before) expect(BigInt(epoch)).toBeGreaterThan(old);
    }
    const kinds = worker.notes
      .slice(noted, worker.notes.indexOf(recovered))
      .map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'sent')).toEqual(['aborted', 'aborted', 'lost']);
    for (const { ifIndex, epoch } of regained) {
      expect(ok(await router.owner(ifIndex))).toMatchObject({ name: 'worker', session, epoch });
    }
    expect(await rival.take(2)).toMatchObject({ reason: 'already-owned' });
    expect(await logOf(world)).not.toBe(log);
    // The event is logged by a manager that knew the old log, not necessarily by the one that began the new log.
    const resets = (await router.eventsAfter(0)).filter(({ type }) => type === 'store-reset');
    expect(resets).toHaveLength(1);
    await eventually(() => {
      const resets = watch.events.filter(({ type }) => type === 'store-reset');
      expect(resets).toHaveLength(1);
    }, WITHIN);
  });

  it.concurrent(
    'grants no interface that a disconnected worker may still act on',
    async (context) => {
      context.skip(notBreakable() !== undefined, notBreakable());
      await using world = await startWorld({ managers: 2 });
      const { router, servers } = world;
      await using link = await linkTo(servers.nats);
      await using worker = await startWorker(router, link.url, { ttlMs: TTL_MS, interfaces: [1] });
      await seenByAllManagers(world);
      link.proxy.blackhole();
      await restartRedis(world);
      const rival = await eventually(
        () => router.register({ protocolId: Protocols.dvmrp, name: 'rival' }),
        WITHIN,
      );
      const { epoch } = await eventually(async () => ok(await rival.take(1)), WITHIN);
      const grantedMono = machineMonoMs();
      const aborted = await worker.told('aborted');
      expect(aborted.mono).toBeLessThan(grantedMono);
      expect(BigInt(epoch)).toBeGreaterThan(BigInt(aborted.epoch));
    },
  );
});
