import { setImmediate as turn } from 'node:timers/promises';
import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openArbiter, on, type Arbiter } from './arbiter.ts';

let redis: RunningServer;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());

/** The number of batches that Redis executed during `work`. */
async function callsDuring(arbiter: Arbiter, work: () => Promise<unknown>): Promise<number> {
  await arbiter.link.command('CONFIG', 'RESETSTAT');
  await work();
  const stats = String(await arbiter.link.command('INFO', 'commandstats'));
  return Number(/cmdstat_fcall:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

it('decides the operations of one turn of the event loop in one batch, in the order of arrival', async () => {
  using arbiter = await openArbiter(redis);
  const clients = await Promise.all([arbiter.client(), arbiter.client(), arbiter.client()]);
  const takes = () =>
    Promise.all(
      clients.map((client) => arbiter.decide('take', { ...client.next(), interfaces: [on(1)] })),
    );
  let decisions: Awaited<ReturnType<typeof takes>> = [];
  const calls = await callsDuring(arbiter, async () => {
    decisions = await takes();
  });
  expect(calls).toBe(1);
  expect(decisions.map(({ reply }) => reply)).toMatchObject([
    { kind: 'granted' },
    { results: [{ kind: 'already_owned' }] },
    { results: [{ kind: 'already_owned' }] },
  ]);
});

it('coalesces keepalives of consecutive turns into few batches', async () => {
  using arbiter = await openArbiter(redis);
  const { handle } = await arbiter.client();
  const beat = () => arbiter.ask('keepalive', { handle, ack: 0, mailboxAck: 0, frev: -1 });
  const calls = await callsDuring(arbiter, async () => {
    const beats: Promise<unknown>[] = [];
    for (let count = 0; count < 40; count++) {
      beats.push(beat());
      await turn();
    }
    await Promise.all(beats);
  });
  // Without coalescing there would be 40. The exact number depends on the speed of the turns.
  expect(calls).toBeLessThan(20);
});

it('sends queued keepalives with the first operation that is not delay-tolerant', async () => {
  using arbiter = await openArbiter(redis);
  const client = await arbiter.client();
  const { handle } = client;
  const order: string[] = [];
  const beat = () =>
    arbiter
      .ask('keepalive', { handle, ack: 0, mailboxAck: 0, frev: -1 })
      .then(({ kind }) => order.push(kind));
  const calls = await callsDuring(arbiter, async () => {
    const take = { ...client.next(), interfaces: [on(1)] };
    await Promise.all([
      beat(),
      arbiter.ask('take', take).then(({ kind }) => order.push(kind)),
      beat(),
    ]);
  });
  expect(calls).toBe(1);
  expect(order).toEqual(['kept', 'granted', 'kept']);
});
