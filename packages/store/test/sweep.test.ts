import { startRedis, type RunningServer } from '@mgm/devstack';
import { eventually, storedNumber } from '@mgm/test-support';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { eventsOf as eventsIn } from '../src/batch-reply.ts';
import { openStore } from '../src/store.ts';
import { openArbiter, on, passTime, type Arbiter } from './arbiter.ts';

let redis: RunningServer;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());

async function takeMany(arbiter: Arbiter, count: number, ttlMs: number, graceMs = 0) {
  const client = await arbiter.client({ ttlMs: 60_000, graceMs });
  for (let from = 1; from <= count; from += 1_000) {
    const size = Math.min(1_000, count - from + 1);
    const interfaces = Array.from({ length: size }, (_, i) => on(from + i));
    await arbiter.ask('take', { ...client.next(), interfaces });
  }
  const key = `mgm:{${arbiter.router}}:client:${client.handle.client}`;
  await arbiter.link.command(...storedNumber(key, 'client.ttlMs', 'set', ttlMs));
  await arbiter.ask('keepalive', { handle: client.handle, ack: 0, mailboxAck: 0, frev: -1 });
  return client;
}

async function eventsOf(
  arbiter: Arbiter,
): Promise<{ type: string; rev: number; ifIndex?: number }[]> {
  const found: { type: string; rev: number; ifIndex?: number }[] = [];
  for (let after = 0; ; after = found.at(-1)?.rev ?? after) {
    const reply = await arbiter.ask('events', { after, limit: 1_000 });
    if (reply.kind !== 'entries') throw new Error(reply.kind);
    const page = reply.entries.flatMap(({ ts, runs }) => runs.flatMap((run) => eventsIn(run, ts)));
    if (page.length === 0) return found;
    for (const { type, rev, ifIndex } of page) {
      found.push({ type, rev, ...(ifIndex !== undefined && { ifIndex }) });
    }
  }
}

it('ends a session once, with one event per interface, however many replicas sweep at the same time', async () => {
  using one = await openArbiter(redis);
  using two = await openArbiter(redis, one.router);
  using three = await openArbiter(redis, one.router);
  await takeMany(one, 3_000, 1);
  await eventually(
    async () => {
      const reports = await Promise.all(
        [one, two, three].map((arbiter) =>
          arbiter.ask('sweep', { most: 256, mostEntries: 256, servingMs: 3_600_000 }),
        ),
      );
      expect(reports.some(({ more }) => more)).toBe(false);
      expect((await one.ask('interfaces', LISTING)).items).toEqual([]);
      expect(await one.link.command('ZCARD', `mgm:{${one.router}}:leases`)).toBe(0);
    },
    { withinMs: 30_000, everyMs: 1 },
  );
  const events = await eventsOf(one);
  expect(events.map(({ rev }) => rev)).toEqual(events.map((_, at) => at + 1));
  expect(events.filter(({ type }) => type === 'expired')).toHaveLength(1);
  const released = events.filter(({ type }) => type === 'released').map(({ ifIndex }) => ifIndex);
  expect(new Set(released).size).toBe(3_000);
  expect(released).toHaveLength(3_000);
});

const LISTING = {
  client: 0,
  last: '',
  score: 0,
  began: 0,
  limit: 1_000,
  session: 0,
  protocol: -1,
};

it('grants an interface of an expired session to the next take, swept or not', async () => {
  using arbiter = await openArbiter(redis);
  const next = await arbiter.client();
  const dead = await takeMany(arbiter, 1_000, 1);
  await eventually(
    async () => {
      const call = { ...next.next(), interfaces: [on(500)] };
      expect(await arbiter.ask('take', call)).toMatchObject({ kind: 'granted' });
    },
    { withinMs: 30_000 },
  );
  const types = (await eventsOf(arbiter)).slice(-3);
  expect(types).toMatchObject([
    { type: 'expired' },
    { type: 'released', ifIndex: 500 },
    { type: 'taken', ifIndex: 500 },
  ]);
  const { items } = await arbiter.ask('interfaces', LISTING);
  expect(items.map((item) => item.holder.session)).toEqual([next.session]);
  expect(dead.session).not.toBe(next.session);
});

/** The number of commands that Redis runs during `work`, those of scripts included. */
async function commandsDuring(arbiter: Arbiter, work: () => Promise<unknown>): Promise<number> {
  await arbiter.link.command('CONFIG', 'RESETSTAT');
  await work();
  const stats = String(await arbiter.link.command('INFO', 'commandstats'));
  return [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

it('inherits 20 000 interfaces in as few commands as 20, all under one new epoch', async () => {
  const steps: number[] = [];
  for (const count of [20, 20_000]) {
    using arbiter = await openArbiter(redis);
    await takeMany(arbiter, count, 60_000);
    const client = `mgm:{${arbiter.router}}:client:1`;
    const componentId = Number(
      await arbiter.link.command(...storedNumber(client, 'client.componentId')),
    );
    const heir = { componentId, instance: 'another', takeover: true };
    steps.push(await commandsDuring(arbiter, () => arbiter.client(heir)));
    const { session } = await arbiter.client(heir);
    const owners = await Promise.all(
      [1, count / 2, count].map((ifIndex) => arbiter.ask('owner', { interface: on(ifIndex) })),
    );
    const holders = owners.flatMap((owner) => (owner.kind === 'held' ? [owner.holder] : []));
    expect(holders.map((holder) => holder.session)).toEqual([session, session, session]);
    expect(new Set(holders.map((holder) => holder.epoch)).size).toBe(1);
    expect((await eventsOf(arbiter)).at(-1)?.type).toBe('resumed');
  }
  expect(steps[1]).toBe(steps[0]);
});

it('ends 20 000 interfaces in as few commands as 300: the first slice is the same', async () => {
  const steps: number[] = [];
  for (const count of [300, 20_000]) {
    using arbiter = await openArbiter(redis);
    const { session } = await takeMany(arbiter, count, 60_000);
    const evict = { session, actor: 'ann', why: 'test' };
    steps.push(await commandsDuring(arbiter, () => arbiter.ask('admin_evict', evict)));
    expect(await arbiter.ask('owner', { interface: on(count) })).toEqual({ kind: 'free' });
  }
  expect(steps[1]).toBe(steps[0]);
});

it('sweeps slices of 48 interfaces', async () => {
  using arbiter = await openArbiter(redis);
  await takeMany(arbiter, 120, 1);
  await using store = openStore({ url: redis.url });
  await eventually(() => expect(store.state.kind).toBe('ready'), { withinMs: 30_000 });
  const slice = () => store.sweep(arbiter.router);
  await eventually(async () => expect((await slice()).released).toBe(48), { withinMs: 30_000 });
  expect([await slice(), await slice()]).toMatchObject([
    { released: 48, more: true },
    { released: 24, more: false },
  ]);
});

it('lists every interface that is held during the whole listing, whatever changes between the pages', async () => {
  using arbiter = await openArbiter(redis);
  const [staying, moving] = [await arbiter.client(), await arbiter.client()];
  const many = (from: number) => Array.from({ length: 300 }, (_, i) => on(from + 2 * i));
  await arbiter.ask('take', { ...staying.next(), interfaces: many(1) });
  await arbiter.ask('take', { ...moving.next(), interfaces: many(2) });
  const seen = new Set<number>();
  let page = await arbiter.ask('interfaces', { ...LISTING, limit: 20 });
  for (let turn = 0; ; turn++) {
    for (const { interface: key } of page.items) seen.add(key.ifIndex);
    if (page.client === 0) break;
    const gone = [2, 4, 6].map((i) => on(i + 6 * turn));
    await arbiter.ask('release', { ...moving.next(), interfaces: gone, epoch: '' });
    page = await arbiter.ask('interfaces', { ...LISTING, ...page, limit: 20 });
  }
  expect(many(1).filter(({ ifIndex }) => !seen.has(ifIndex))).toEqual([]);
});

it('writes the event deregistered after the last of many interfaces was released', async () => {
  using arbiter = await openArbiter(redis);
  const client = await takeMany(arbiter, 2_000, 60_000);
  const seq = { handle: client.handle, seq: 100, ack: 100 };
  await arbiter.ask('deregister', { ...seq, force: true });
  expect(await arbiter.ask('owner', { interface: on(2_000) })).toEqual({ kind: 'free' });
  await eventually(
    async () => {
      await arbiter.ask('sweep', { most: 256, mostEntries: 256, servingMs: 500 });
      expect(await arbiter.link.command('ZCARD', `mgm:{${arbiter.router}}:leases`)).toBe(0);
    },
    { withinMs: 30_000, everyMs: 1 },
  );
  const types = (await eventsOf(arbiter)).map(({ type }) => type);
  expect(types.slice(2_001)).toEqual([...Array(2_000).fill('released'), 'deregistered']);
});

it('goes stale, keeps its interfaces, and expires once at the end of the grace time', async () => {
  using arbiter = await openArbiter(redis);
  const [ttlMs, graceMs] = [60_000, 60_000];
  const client = await arbiter.client({ ttlMs, graceMs });
  await arbiter.ask('take', { ...client.next(), interfaces: [on(1)] });
  const owner = () => arbiter.ask('owner', { interface: on(1) });
  await passTime(arbiter, ttlMs);
  expect(await owner()).toMatchObject({ kind: 'held', holder: { stale: true } });
  const other = await arbiter.client({ ttlMs: 300_000 });
  const take = await arbiter.ask('take', { ...other.next(), interfaces: [on(1)] });
  expect(take).toMatchObject({ results: [{ kind: 'already_owned', holder: { stale: true } }] });
  await passTime(arbiter, graceMs);
  expect(await owner()).toEqual({ kind: 'free' });
  const types = (await eventsOf(arbiter)).map(({ type }) => type);
  expect(types).toEqual(['registered', 'taken', 'stale', 'registered', 'expired', 'released']);
});
