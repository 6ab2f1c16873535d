import type { RunningServer } from '@mgm/devstack';
import { describe, expect, it } from 'vitest';
import { arbiterForEach, openArbiter, on, passTime } from './arbiter.ts';
import type { Arbiter, TestClient } from './arbiter.ts';

let redis: RunningServer;
let arbiter: Arbiter;

arbiterForEach((opened, server) => {
  arbiter = opened;
  redis = server;
});

const BY = { actor: 'ann', why: 'maintenance' };

async function epochOfTake(client: TestClient, ifIndex: number): Promise<string> {
  const reply = await arbiter.ask('take', { ...client.next(), interfaces: [on(ifIndex)] });
  if (reply.kind !== 'granted') throw new Error(reply.kind);
  return reply.epoch;
}

const release = (ifIndex: number, epoch = '') =>
  arbiter.ask('admin_release', { interface: on(ifIndex), epoch, ...BY });

async function operatorLog() {
  return (await arbiter.ask('admin_events', { after: 0, limit: 1_000 })).entries;
}

describe('admin.release with an epoch', () => {
  it('does not release an interface from the next owner', async () => {
    const [first, second] = [await arbiter.client(), await arbiter.client()];
    const former = await epochOfTake(first, 1);
    await arbiter.ask('release', { ...first.next(), interfaces: [on(1)], epoch: '' });
    const current = await epochOfTake(second, 1);
    expect(await release(1, former)).toEqual({ kind: 'other_epoch', current });
    expect(await arbiter.ask('owner', { interface: on(1) })).toMatchObject({
      holder: { session: second.session },
    });
    expect(await release(1, current)).toMatchObject({ kind: 'released' });
    expect(await release(1, current)).toEqual({ kind: 'other_epoch', current: '0' });
  });

  it('releases the IGMP hold that has this epoch, although a routing protocol owns the interface', async () => {
    const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
    const pim = await arbiter.client();
    const epoch = await epochOfTake(igmp, 1);
    await epochOfTake(pim, 1);
    expect(await release(1, epoch)).toMatchObject({ previous: { session: igmp.session, epoch } });
    const owner = await arbiter.ask('owner', { interface: on(1) });
    expect(owner).toMatchObject({ holder: { session: pim.session, igmp: undefined } });
  });
});

it('admin.evict does not end the session that inherited from the evicted one', async () => {
  const pair = { componentId: 4_000 };
  const former = await arbiter.client(pair);
  await epochOfTake(former, 1);
  const heir = await arbiter.client({ ...pair, instance: 'another', takeover: true });
  expect(await arbiter.ask('admin_evict', { session: former.session, ...BY })).toEqual({
    kind: 'unknown_session',
  });
  const owner = await arbiter.ask('owner', { interface: on(1) });
  expect(owner).toMatchObject({ holder: { session: heir.session } });
});

describe('the operator log', () => {
  it('has each action and each refused attempt, whatever else fills the event log', async () => {
    const client = await arbiter.client();
    const epoch = await epochOfTake(client, 1);
    await release(1);
    await release(1);
    await arbiter.ask('admin_evict', { session: client.session, ...BY });
    await arbiter.ask('admin_end_holdoff', BY);
    await arbiter.link.command('XTRIM', `mgm:{${arbiter.router}}:events`, 'MAXLEN', '0');
    expect(await operatorLog()).toMatchObject([
      { number: 1, type: 'released', session: client.session, interface: on(1), epoch, ...BY },
      { number: 2, type: 'refused', operation: 'admin.release', reason: 'not-found', ...BY },
      { number: 3, type: 'evicted', session: client.session, ...BY },
      { number: 4, type: 'refused', operation: 'admin.end-holdoff', reason: 'not-found' },
    ]);
    const page = await arbiter.ask('admin_events', { after: 1, limit: 2 });
    expect(page).toMatchObject({ entries: [{ number: 2 }, { number: 3 }], head: 4, first: 1 });
  });

  it('has a retention of its own', async () => {
    const limits = { operatorEventsMax: 1, operatorRetentionMs: 60_000 };
    using small = await openArbiter(redis, undefined, undefined, undefined, limits);
    await small.client();
    for (let turn = 0; turn < 300; turn++) {
      await small.ask('admin_release', { interface: on(1), epoch: '', ...BY });
    }
    const { head, first } = await small.ask('admin_events', { after: 0, limit: 1 });
    expect(head).toBe(300);
    expect(first).toBeGreaterThan(100);
    const ttl = await small.link.command('PTTL', `mgm:{${small.router}}:operator-log`);
    expect(ttl).toBeGreaterThan(0);
  });

  it('is empty for a router that was never used', async () => {
    expect(await release(1)).toEqual({ kind: 'free' });
    expect(await arbiter.link.command('KEYS', `mgm:{${arbiter.router}}:*`)).toEqual([]);
  });
});

describe('the hold-off', () => {
  const holdOffMs = async () => (await arbiter.ask('head', {})).holdOffMs;
  const eventTypes = async () => {
    const page = await arbiter.ask('events', { after: 0, limit: 100 });
    if (page.kind !== 'entries') throw new Error(page.kind);
    return page.entries.flatMap(({ runs }) => runs.map(({ type }) => type));
  };

  it('is not started by a refused register, whatever it claims', async () => {
    const pair = { componentId: 4_100 };
    await arbiter.client(pair);
    const { rev } = (await arbiter.decide('head', {})).batch;
    const claim = { ...pair, instance: 'an attacker', resumes: 1, ttlMs: 300_000 };
    await expect(arbiter.client(claim)).rejects.toThrow('already_registered');
    const after = await arbiter.decide('head', {});
    expect(after.batch).toMatchObject({ rev, longestTtlMs: 10_000 });
    expect(after.reply.holdOffMs).toBe(0);
  });

  it('is not started by a pair that never had a session, once no lease of lost data can still run', async () => {
    await arbiter.client();
    await passTime(arbiter, 11_000);
    const future = Date.now() * 1_000 + 60_000_000;
    for (const resumes of [1, future]) {
      const client = await arbiter.client({ resumes });
      for (const held of [[1], [future]]) {
        const take = { ...client.next(), interfaces: [on(1)], held };
        expect(await arbiter.ask('take', take)).toMatchObject({ kind: 'granted' });
        await arbiter.ask('release', { ...client.next(), interfaces: [on(1)], epoch: '' });
      }
    }
    expect(await holdOffMs()).toBe(0);
    expect(await eventTypes()).not.toContain('store-reset');
  });

  it('is as long as the longest lease that was granted, not one that was asked for', async () => {
    const pair = { componentId: 4_200 };
    await arbiter.client({ ...pair, ttlMs: 15_000 });
    const refused = arbiter.client({ ...pair, instance: 'another', ttlMs: 300_000 });
    await expect(refused).rejects.toThrow('already_registered');
    await arbiter.link.command('FLUSHALL');
    await arbiter.client({ ttlMs: 1_000 });
    const leftMs = await holdOffMs();
    expect(leftMs).toBeGreaterThan(10_000);
    expect(leftMs).toBeLessThanOrEqual(15_000);
  });

  it('can be ended by an operator, once and for all of this log', async () => {
    using other = await openArbiter(redis, arbiter.router);
    await arbiter.client({ ttlMs: 60_000 });
    await other.ask('head', {});
    await arbiter.link.command('FLUSHALL');
    const client = await arbiter.client();
    const take = { ...client.next(), interfaces: [on(1)] };
    expect(await arbiter.ask('take', take)).toMatchObject({ kind: 'held_back' });
    expect(await arbiter.ask('admin_end_holdoff', BY)).toEqual({
      kind: 'ended',
      leftMs: expect.any(Number),
    });
    await other.ask('head', {});
    expect(await holdOffMs()).toBe(0);
    expect(await arbiter.ask('take', take)).toMatchObject({ kind: 'granted' });
    expect(await arbiter.ask('admin_end_holdoff', BY)).toEqual({ kind: 'no_holdoff' });
    expect(await operatorLog()).toMatchObject([{ type: 'holdoff-ended', ...BY }, {}]);
  });
});
