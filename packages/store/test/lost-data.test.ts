import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, beforeEach, afterEach, expect, inject, it } from 'vitest';
import { openArbiter, on, type Arbiter, type TestClient } from './arbiter.ts';

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

async function epochOfTake(client: TestClient, ifIndex: number): Promise<bigint> {
  const reply = await arbiter.ask('take', { ...client.next(), interfaces: [on(ifIndex)] });
  const [outcome] = reply.kind === 'decided' ? reply.results : [];
  if (outcome?.kind !== 'taken') throw new Error(`not taken: ${JSON.stringify(reply)}`);
  return BigInt(outcome.epoch);
}

async function events(): Promise<string[]> {
  const reply = await arbiter.ask('events', { after: 0, limit: 100 });
  if (reply.kind !== 'entries') throw new Error(reply.kind);
  return reply.entries.flatMap((entry) => entry.events.map(({ rev, type }) => `${rev} ${type}`));
}

it('notices a store that came back empty, says so, and gives higher epochs', async () => {
  const before = await arbiter.decide('head', {});
  const first = await epochOfTake(await arbiter.client(), 1);
  await arbiter.link.command('FLUSHALL');
  const second = await epochOfTake(await arbiter.client(), 1);
  const after = await arbiter.decide('head', {});
  expect(second).toBeGreaterThan(first);
  expect(after.batch.log).not.toBe(before.batch.log);
  expect(await events()).toEqual(['1 store-reset', '2 registered', '3 taken']);
});

it('notices a store that went back in time, begins a new log, and gives higher epochs', async () => {
  const client = await arbiter.client();
  await epochOfTake(client, 1);
  const { batch } = await arbiter.decide('head', {});
  const key = `mgm:{${arbiter.router}}:meta`;
  const earlier = await arbiter.link.command('HGETALL', key);
  const lost = await epochOfTake(client, 2);
  await arbiter.link.command('DEL', `mgm:{${arbiter.router}}:if:2:`);
  await arbiter.link.command('HSET', key, ...(Array.isArray(earlier) ? earlier.map(String) : []));
  const again = await epochOfTake(await arbiter.client(), 2);
  expect(again).toBeGreaterThan(lost);
  // What the older data says of a session may be wrong by now: it has to register again.
  const beat = { handle: client.handle, ack: 0, mailboxAck: 0 };
  expect(await arbiter.ask('keepalive', beat)).toMatchObject({ kind: 'session_expired' });
  expect(await arbiter.ask('owner', { interface: on(1) })).toEqual({ kind: 'free' });
  expect((await arbiter.decide('head', {})).batch.log).not.toBe(batch.log);
  expect(await events()).toEqual([
    '1 store-reset',
    '2 registered',
    '3 taken',
    '4 expired',
    '5 released',
  ]);
});

it('gives a higher epoch for an interface whose record was deleted', async () => {
  const first = await epochOfTake(await arbiter.client(), 1);
  await arbiter.link.command('DEL', `mgm:{${arbiter.router}}:if:1:`);
  expect(await epochOfTake(await arbiter.client(), 1)).toBeGreaterThan(first);
});

it('says it once, however many managers notice', async () => {
  using other = await openArbiter(redis, arbiter.router);
  await epochOfTake(await arbiter.client(), 1);
  await other.ask('head', {});
  await arbiter.link.command('FLUSHALL');
  await arbiter.client();
  await other.ask('owner', { interface: on(1) });
  await arbiter.client();
  const resets = (await events()).filter((one) => one.endsWith('store-reset'));
  expect(resets).toEqual(['1 store-reset']);
});
