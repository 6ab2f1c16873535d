import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, beforeEach, afterEach, expect, inject, it } from 'vitest';
import { openArbiter, type Arbiter, type TestClient } from './arbiter.ts';

/**
 * The service clock reads what it showed and when it was last seen. These tests move the second back and forth in the
 * store, which is what an outage and a jump of the server's clock look like to the script.
 */
let redis: RunningServer;
let arbiter: Arbiter;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());
beforeEach(async () => {
  arbiter = await openArbiter(redis);
});
afterEach(() => arbiter[Symbol.dispose]());

/** Makes it so that the service was last seen `ms` ago. */
async function lastSeen(ms: number): Promise<void> {
  const key = `mgm:{${arbiter.router}}:meta`;
  const seenAt = Number(await arbiter.link.command('HGET', key, 'seen_at'));
  await arbiter.link.command('HSET', key, 'seen_at', String(seenAt - ms));
}

async function expiresInMs({ session }: TestClient): Promise<number> {
  const { items } = await arbiter.ask('sessions', { after: 0, limit: 10 });
  return items.find((item) => item.session === session)?.expiresInMs ?? Number.NaN;
}

it('counts time against a lease while managers serve', async () => {
  const client = await arbiter.client({ ttlMs: 60_000 });
  for (let second = 1; second <= 5; second++) {
    await lastSeen(1_000);
    await arbiter.ask('head', {});
  }
  expect(await expiresInMs(client)).toBeLessThanOrEqual(55_000);
});

it.each([
  ['nobody served for an hour, or the clock jumped forward by one', 3_600_000],
  ['the clock went back by an hour', -3_600_000],
])('counts none while %s', async (_, ms) => {
  const client = await arbiter.client({ ttlMs: 10_000 });
  await lastSeen(ms);
  const left = await expiresInMs(client);
  expect(left).toBeGreaterThan(9_000);
  expect(left).toBeLessThanOrEqual(10_000);
});

it('gives rising epochs whatever the clock does', async () => {
  const key = `mgm:{${arbiter.router}}:meta`;
  const [a, b] = [await arbiter.client(), await arbiter.client()];
  const future = 4_000_000_000_000_000;
  await arbiter.link.command('HSET', key, 'epoch', String(future));
  const first = await arbiter.ask('take', {
    ...a.next(),
    interfaces: [{ ifIndex: 1, nextHop: '' as never }],
  });
  const second = await arbiter.ask('take', {
    ...b.next(),
    interfaces: [{ ifIndex: 2, nextHop: '' as never }],
  });
  expect(first).toMatchObject({ results: [{ epoch: String(future + 1) }] });
  expect(second).toMatchObject({ results: [{ epoch: String(future + 2) }] });
});
