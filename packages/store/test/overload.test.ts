import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { StoreError } from '../src/store-error.ts';
import { openArbiter, on, type Arbiter, type TestClient } from './arbiter.ts';

const QUEUE_MAX = 40;
let redis: RunningServer;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());

const openSmall = (): Promise<Arbiter> =>
  openArbiter(redis, undefined, undefined, { batchMax: 4, queueMax: QUEUE_MAX });

/** The results of many takes sent in one turn: their replies or refusals. */
function takeMany(arbiter: Arbiter, client: TestClient, count: number, first: number) {
  const asked = Array.from({ length: count }, (_, at) =>
    arbiter.ask('take', { ...client.next(), interfaces: [on(first + at)] }),
  );
  return Promise.allSettled(asked);
}

const decided = (settled: readonly PromiseSettledResult<unknown>[]): number =>
  settled.filter(({ status }) => status === 'fulfilled').length;

const refusals = (settled: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));

it('refuses excess operations immediately, says when to retry, and then accepts them', async () => {
  using arbiter = await openSmall();
  const client = await arbiter.client();
  const settled = await takeMany(arbiter, client, 100, 1);
  expect(decided(settled)).toBe(QUEUE_MAX / 2);
  for (const reason of refusals(settled)) {
    expect(reason).toBeInstanceOf(StoreError);
    expect(reason).toMatchObject({ code: 'overloaded', retryAfterMs: expect.any(Number) });
  }
  expect(decided(await takeMany(arbiter, client, QUEUE_MAX / 2, 1_000))).toBe(QUEUE_MAX / 2);
});

it('has room for a session with an empty queue, however much another one sends', async () => {
  using arbiter = await openSmall();
  const [busy, quiet] = [await arbiter.client(), await arbiter.client()];
  const flood = takeMany(arbiter, busy, 1_000, 1);
  const [one] = await takeMany(arbiter, quiet, 1, 5_000);
  expect(one?.status).toBe('fulfilled');
  expect(refusals(await flood).length).toBeGreaterThan(0);
});

it('decides in turns: a single request does not wait for all requests of another session', async () => {
  using arbiter = await openSmall();
  const [busy, quiet] = [await arbiter.client(), await arbiter.client()];
  let busyDecided = 0;
  const flood = Array.from({ length: 18 }, async (_, at) => {
    await arbiter.ask('take', { ...busy.next(), interfaces: [on(at)] });
    busyDecided++;
  });
  await arbiter.ask('take', { ...quiet.next(), interfaces: [on(100)] });
  // Its batch has at most three requests of the other session.
  expect(busyDecided).toBeLessThanOrEqual(4);
  await Promise.all(flood);
});

it('keeps requests with invented handles out of the flow of the session that they name', async () => {
  using arbiter = await openSmall();
  const victim = await arbiter.client();
  const [first] = await takeMany(arbiter, victim, 1, 1);
  expect(first?.status).toBe('fulfilled');
  let forgedDecided = 0;
  const forged = Array.from({ length: 200 }, async (_, at) => {
    const handle = { ...victim.handle, secret: String(at).padStart(22, 'f') };
    await arbiter.ask('take', { ...victim.next(), handle, interfaces: [on(10)] });
    forgedDecided++;
  });
  const flood = Promise.allSettled(forged);
  const [take] = await takeMany(arbiter, victim, 1, 2);
  expect(take).toMatchObject({ status: 'fulfilled', value: { kind: 'granted' } });
  expect(forgedDecided).toBeLessThan(QUEUE_MAX);
  expect(refusals(await flood).length).toBeGreaterThan(150);
});

it('renews a lease before a flood of keepalives with invented handles, and refuses most of these', async () => {
  using arbiter = await openSmall();
  const victim = await arbiter.client();
  const keepalive = (secret: string) =>
    arbiter.ask('keepalive', {
      handle: { ...victim.handle, secret },
      ack: 0,
      mailboxAck: 0,
      frev: -1,
    });
  let forgedDecided = 0;
  const forged = Array.from({ length: 200 }, async (_, at) => {
    await keepalive(String(at).padStart(22, 'f'));
    forgedDecided++;
  });
  const flood = Promise.allSettled(forged);
  expect(await keepalive(victim.handle.secret)).toMatchObject({ kind: 'kept' });
  expect(forgedDecided).toBeLessThan(QUEUE_MAX / 2);
  expect(refusals(await flood).length).toBeGreaterThan(150);
});

it('renews leases even when it refuses other operations', async () => {
  using arbiter = await openSmall();
  const clients: TestClient[] = [];
  while (clients.length < 40) clients.push(await arbiter.client());
  const floods = clients.map((client, at) => takeMany(arbiter, client, 20, at * 20));
  const beats = clients.map(({ handle }) =>
    arbiter.ask('keepalive', { handle, ack: 0, mailboxAck: 0, frev: -1 }),
  );
  expect(await Promise.all(beats)).toMatchObject(clients.map(() => ({ kind: 'kept' })));
  const settled = (await Promise.all(floods)).flat();
  expect(refusals(settled).length).toBeGreaterThan(700);
});
