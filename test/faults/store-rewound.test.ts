import { eventually } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { ok } from '../support/raw-replies.ts';
import { Protocols } from '../support/raw-client.ts';
import { startWorld } from './own-servers.ts';
import { startWorker } from './worker-process.ts';

const WITHIN = { withinMs: 30_000 };

/** The whole content of a Redis, to be restored later: the effect of a restored backup or of a failover that lost writes. */
async function copyOf(redis: Redis): Promise<() => Promise<void>> {
  const keys = await redis.keys('*');
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    const restore = redis.multi().flushall();
    for (const [at, key] of keys.entries()) {
      const dump = dumps[at];
      if (dump) restore.restore(key, 0, dump);
    }
    await restore.exec();
  };
}

it('a worker whose last take the store has lost recovers and takes the interface again', async () => {
  await using world = await startWorld();
  const { router, servers } = world;
  const redis = new Redis(servers.redis.url);
  const rival = await router.register({ protocolId: Protocols.dvmrp, name: 'rival' });
  ok(await rival.take(2));
  const options = { ttlMs: 3_000, interfaces: [1] };
  await using worker = await startWorker(router, servers.nats.url, options);
  const goBack = await copyOf(redis);
  ok(await rival.release(2));
  const { epoch } = await worker.tell({ kind: 'take', ifIndex: 2 }, 'took');
  await goBack();

  const recovered = await worker.told('recovered');
  expect(recovered.missing).toEqual([]);
  expect(recovered.regained.map(({ ifIndex }) => ifIndex).toSorted()).toEqual([1, 2]);
  const owner = ok(await router.owner(2));
  expect(owner).toMatchObject({ name: 'worker', session: recovered.session });
  expect(BigInt(owner.epoch)).toBeGreaterThan(BigInt(epoch));
  await eventually(async () => {
    const [first] = await router.eventsAfter(0);
    expect(first).toMatchObject({ type: 'store-reset', rev: 1 });
  }, WITHIN);
  await redis.quit();
});
