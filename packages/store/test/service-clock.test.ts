import { storedNumber } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { arbiterForEach, type Arbiter, type TestClient } from './arbiter.ts';

/**
 * The service clock reads what it showed, when it was last seen, and until when a manager promised to serve. These tests
 * move the last two back and forth in the store, which is what time, an outage, and a jump of the server's clock look
 * like to the script.
 */
let arbiter: Arbiter;

arbiterForEach((opened) => (arbiter = opened));

/** Moves both instants back by `ms`. */
async function letPass(ms: number): Promise<void> {
  const key = `mgm:{${arbiter.router}}:meta`;
  for (const name of ['meta.seenAt', 'meta.servingUntil'] as const) {
    await arbiter.link.command(...storedNumber(key, name, 'add', -ms));
  }
}

/** A sweep of a manager that promises the next one within half a second. */
const serve = () => arbiter.ask('sweep', { most: 1, mostEntries: 1, servingMs: 500 });

async function expiresInMs({ session }: TestClient): Promise<number> {
  const { items } = await arbiter.ask('sessions', { after: 0, limit: 10 });
  return items.find((item) => item.session === session)?.expiresInMs ?? Number.NaN;
}

it('counts time against a lease while managers serve', async () => {
  const client = await arbiter.client({ ttlMs: 60_000 });
  for (let second = 0; second < 5; second += 0.25) {
    await serve();
    await letPass(250);
  }
  const left = await expiresInMs(client);
  expect(left).toBeLessThanOrEqual(55_000);
  expect(left).toBeGreaterThan(53_000);
});

it.each([
  ['no manager served for an hour, or the clock jumped forward by one', 3_600_000],
  ['the clock went back by an hour', -3_600_000],
])('counts no more than was promised while %s', async (_, ms) => {
  const client = await arbiter.client({ ttlMs: 10_000 });
  await serve();
  await letPass(ms);
  await serve();
  const left = await expiresInMs(client);
  expect(left).toBeGreaterThan(9_000);
  expect(left).toBeLessThanOrEqual(10_000);
});

it('does not count an outage just after the clock went back', async () => {
  const client = await arbiter.client({ ttlMs: 10_000 });
  await serve();
  await letPass(-3_600_000);
  await serve();
  await letPass(60_000);
  expect(await expiresInMs(client)).toBeGreaterThan(9_000);
});

it('gives rising epochs whatever the clock does', async () => {
  const key = `mgm:{${arbiter.router}}:meta`;
  const [a, b] = [await arbiter.client(), await arbiter.client()];
  const future = 4_000_000_000_000_000;
  await arbiter.link.command(...storedNumber(key, 'meta.epoch', 'set', future));
  const first = await arbiter.ask('take', {
    ...a.next(),
    interfaces: [{ ifIndex: 1, nextHop: '' as never }],
  });
  const second = await arbiter.ask('take', {
    ...b.next(),
    interfaces: [{ ifIndex: 2, nextHop: '' as never }],
  });
  expect(first).toMatchObject({ kind: 'granted', epoch: String(future + 1) });
  expect(second).toMatchObject({ kind: 'granted', epoch: String(future + 2) });
});
