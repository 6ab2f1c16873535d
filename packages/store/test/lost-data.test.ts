import type { RunningServer } from '@mgm/devstack';
import { storedNumber } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { eventsOf } from '../src/batch-reply.ts';
import { arbiterForEach, openArbiter, on, passTime } from './arbiter.ts';
import type { Arbiter, TestClient } from './arbiter.ts';

let redis: RunningServer;
let arbiter: Arbiter;

arbiterForEach((opened, server) => {
  arbiter = opened;
  redis = server;
});

/** Takes an interface; `had`: claims it with the epoch under which the client had it. */
async function take(client: TestClient, ifIndex: number, had = 0n) {
  const held = had === 0n ? [] : [Number(had)];
  return await arbiter.ask('take', { ...client.next(), interfaces: [on(ifIndex)], held });
}

async function epochOfTake(client: TestClient, ifIndex: number, had = 0n): Promise<bigint> {
  const reply = await take(client, ifIndex, had);
  if (reply.kind !== 'granted') throw new Error(`not taken: ${JSON.stringify(reply)}`);
  return BigInt(reply.epoch);
}

async function events(): Promise<string[]> {
  const reply = await arbiter.ask('events', { after: 0, limit: 100 });
  if (reply.kind !== 'entries') throw new Error(reply.kind);
  const changes = reply.entries.flatMap(({ ts, runs }) => runs.flatMap((run) => eventsOf(run, ts)));
  return changes.map(({ rev, type }) => `${rev} ${type}`);
}

const metaKey = () => `mgm:{${arbiter.router}}:meta`;

/** Copies the keys of the router; the returned function restores them. */
async function copyOf(): Promise<() => Promise<void>> {
  const found = await arbiter.link.command('KEYS', `mgm:{${arbiter.router}}:*`);
  const keys = Array.isArray(found) ? found.map(String) : [];
  const copies = keys.map((_, at) => `copy:${arbiter.router}:${at}`);
  for (const [at, key] of keys.entries()) {
    await arbiter.link.command('COPY', key, copies[at] ?? '', 'REPLACE');
  }
  return async () => {
    const now = await arbiter.link.command('KEYS', `mgm:{${arbiter.router}}:*`);
    await arbiter.link.command('DEL', ...(Array.isArray(now) ? now.map(String) : []));
    for (const [at, key] of keys.entries()) {
      await arbiter.link.command('COPY', copies[at] ?? '', key);
    }
  };
}

const HELD_BACK = { kind: 'held_back', retryAfterMs: expect.any(Number) };

it('notices a store that came back empty, reports it, and issues higher epochs', async () => {
  const before = await arbiter.decide('head', {});
  const first = await epochOfTake(await arbiter.client(), 1);
  await arbiter.link.command('FLUSHALL');
  const second = await epochOfTake(await arbiter.client(), 1, first);
  const after = await arbiter.decide('head', {});
  expect(second).toBeGreaterThan(first);
  expect(after.batch.log).not.toBe(before.batch.log);
  expect(await events()).toEqual(['1 store-reset', '2 registered', '3 taken']);
});

it('issues higher epochs even if the clock went back when the store lost its data', async () => {
  await arbiter.client();
  // Epochs are the clock's microseconds, or one more than the last: as though that was an hour ahead.
  const hourAheadUs = (Date.now() + 3_600_000) * 1_000;
  await arbiter.link.command(...storedNumber(metaKey(), 'meta.epoch', 'set', hourAheadUs));
  const first = await epochOfTake(await arbiter.client(), 1);
  expect(first).toBeGreaterThan(BigInt(hourAheadUs));
  await arbiter.link.command('FLUSHALL');
  // No client claims its interfaces, and the hold-off ends.
  await arbiter.client();
  await passTime(arbiter, 600_000);
  const second = await epochOfTake(await arbiter.client(), 1);
  expect(second).toBeGreaterThan(first);
});

it('notices a store that went back in time, begins a new log, and issues higher epochs', async () => {
  const client = await arbiter.client();
  await epochOfTake(client, 1);
  const { batch } = await arbiter.decide('head', {});
  const goBack = await copyOf();
  const lost = await epochOfTake(client, 2);
  await goBack();
  const again = await epochOfTake(await arbiter.client(), 2, lost);
  expect(again).toBeGreaterThan(lost);
  // What the older data says of a session may be wrong by now: it has to register again.
  const beat = { handle: client.handle, ack: 0, mailboxAck: 0, frev: -1 };
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

describe('where data was lost', () => {
  it.each(['empty', 'older'])(
    'nothing new is granted for the longest lease, on a store that is %s',
    async (how) => {
      const client = await arbiter.client({ ttlMs: 20_000 });
      await arbiter.client({ ttlMs: 5_000 });
      const goBack = await copyOf();
      const had = await epochOfTake(client, 1);
      if (how === 'empty') await arbiter.link.command('FLUSHALL');
      else await goBack();
      const rival = await arbiter.client({ ttlMs: 60_000 });
      const call = { ...rival.next(), interfaces: [on(1)] };
      const refused = await arbiter.ask('take', call);
      expect(refused).toEqual(HELD_BACK);
      if (refused.kind !== 'held_back') throw new Error(refused.kind);
      expect(refused.retryAfterMs).toBeGreaterThan(18_000);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(20_000);
      // In a list each is decided by itself: one that the client had, one that is new.
      const lists = { interfaces: [on(1), on(2)], held: [Number(had), 0], advise: false };
      const owner = await arbiter.client();
      expect(await arbiter.ask('take', { ...owner.next(), ...lists })).toMatchObject({
        kind: 'decided',
        results: [{ kind: 'taken' }, HELD_BACK],
      });
      await arbiter.client({ ttlMs: 5_000, protocolId: 10, isIgmp: true }).then(async (igmp) => {
        expect(await take(igmp, 1)).toEqual(HELD_BACK);
      });
      await passTime(arbiter, refused.retryAfterMs - 3_000);
      expect(await arbiter.ask('take', { ...call, interfaces: [on(2)] })).toEqual(HELD_BACK);
      await passTime(arbiter, 3_000);
      // The same number again: nothing had been decided.
      expect(await arbiter.ask('take', { ...call, interfaces: [on(2)] })).toMatchObject({
        kind: 'granted',
      });
    },
  );

  it('the last holder gets the interface, whatever the order of the claims', async () => {
    const [former, last] = [await arbiter.client(), await arbiter.client()];
    const earlier = await epochOfTake(former, 1);
    await arbiter.ask('release', { ...former.next(), interfaces: [on(1)], epoch: '' });
    const later = await epochOfTake(last, 1);
    await arbiter.link.command('FLUSHALL');
    const [a, b, c] = [await arbiter.client(), await arbiter.client(), await arbiter.client()];
    const granted = await epochOfTake(a, 1, earlier);
    const again = await epochOfTake(b, 1, later);
    expect(again).toBeGreaterThan(granted);
    const lost = await arbiter.ask('mailbox', { handle: a.handle, after: 0, limit: 10 });
    expect(lost).toMatchObject({
      entries: [{ callbacks: [{ type: 'OWNERSHIP_LOST', epoch: String(granted), cause: 'take' }] }],
    });
    expect(await take(a, 1, earlier)).toMatchObject({ results: [{ kind: 'already_owned' }] });
    expect(await take(c, 1, later)).toMatchObject({ results: [{ kind: 'already_owned' }] });
    await arbiter.ask('release', { ...b.next(), interfaces: [on(1)], epoch: '' });
    expect(await take(a, 1, earlier)).toEqual(HELD_BACK);
  });

  it('the same applies to IGMP in addition to an owner', async () => {
    const igmp = { protocolId: 10, isIgmp: true };
    const [pim, first, second] = [
      await arbiter.client(),
      await arbiter.client(igmp),
      await arbiter.client(igmp),
    ];
    const ofPim = await epochOfTake(pim, 1);
    const earlier = await epochOfTake(first, 1);
    await arbiter.ask('release', { ...first.next(), interfaces: [on(1)], epoch: '' });
    const later = await epochOfTake(second, 1);
    await arbiter.link.command('FLUSHALL');
    await epochOfTake(await arbiter.client(igmp), 1, earlier);
    await epochOfTake(await arbiter.client(igmp), 1, later);
    await epochOfTake(await arbiter.client(), 1, ofPim);
    expect(await take(await arbiter.client(igmp), 1, earlier)).toMatchObject({
      results: [{ kind: 'already_owned' }],
    });
  });

  it('an epoch that the present log has issued is no valid claim', async () => {
    const had = await epochOfTake(await arbiter.client(), 1);
    await arbiter.link.command('FLUSHALL');
    const owner = await arbiter.client();
    const epoch = await epochOfTake(owner, 1, had);
    await arbiter.ask('release', { ...owner.next(), interfaces: [on(1)], epoch: '' });
    expect(await take(owner, 1, epoch)).toEqual(HELD_BACK);
  });

  it('managers that remember longer leases make the wait longer', async () => {
    using other = await openArbiter(redis, arbiter.router);
    await arbiter.client({ ttlMs: 5_000 });
    await other.ask('head', {});
    await arbiter.client({ ttlMs: 1_000 });
    await other.client({ ttlMs: 60_000 });
    await arbiter.link.command('FLUSHALL');
    const rival = await arbiter.client({ ttlMs: 1_000 });
    const before = await take(rival, 1);
    await other.ask('head', {});
    const after = await take(rival, 1);
    if (before.kind !== 'held_back' || after.kind !== 'held_back') throw new Error(after.kind);
    expect(before.retryAfterMs).toBeLessThanOrEqual(5_000);
    expect(after.retryAfterMs).toBeGreaterThan(50_000);
  });
});

describe('a store that lost data before any of these managers knew it', () => {
  it('grants directly if no client claims anything', async () => {
    expect(await take(await arbiter.client(), 1)).toMatchObject({ kind: 'granted' });
  });

  it.each(['a session', 'an interface'])(
    'learns of the loss from the claim of a client that had %s',
    async (what) => {
      const client = await arbiter.client();
      const had = await epochOfTake(client, 1);
      await arbiter.link.command('FLUSHALL');
      using fresh = await openArbiter(redis, arbiter.router);
      const early = await fresh.client();
      // The loss is not known yet, and what is granted now stays granted.
      await fresh.ask('take', { ...early.next(), interfaces: [on(3)] });
      const resumes = what === 'a session' ? client.session : 0;
      const back = await fresh.client({ resumes });
      const held = [Number(had)];
      const rival = await fresh.client();
      if (what === 'an interface') {
        expect(
          await fresh.ask('take', { ...back.next(), interfaces: [on(1)], held }),
        ).toMatchObject({
          kind: 'granted',
        });
      }
      expect(await fresh.ask('take', { ...rival.next(), interfaces: [on(2)] })).toEqual(HELD_BACK);
      const late = { ...back.next(), interfaces: [on(3)], held };
      expect(await fresh.ask('take', late)).toMatchObject({ results: [{ kind: 'already_owned' }] });
      const page = await fresh.ask('events', { after: 0, limit: 100 });
      if (page.kind !== 'entries') throw new Error(page.kind);
      const types = page.entries.flatMap(({ runs }) => runs.map(({ type }) => type));
      expect(types.filter((type) => type === 'store-reset')).toHaveLength(1);
    },
  );

  it('grants higher epochs than any that a client claims', async () => {
    const client = await arbiter.client({ componentId: 5_000 });
    const goBack = await copyOf();
    const minuteAheadUs = Date.now() * 1000 + 60_000_000;
    await arbiter.link.command(...storedNumber(metaKey(), 'meta.epoch', 'set', minuteAheadUs));
    const had = await epochOfTake(client, 1);
    await goBack();
    using fresh = await openArbiter(redis, arbiter.router);
    const resumed = { componentId: 5_000, instance: 'again', resumes: client.session };
    const back = await fresh.client({ ttlMs: 9_000, ...resumed });
    const held = [Number(had)];
    const call = { ...back.next(), interfaces: [on(1)], held };
    expect(await fresh.ask('take', call)).toEqual(HELD_BACK);
    const beat = { handle: back.handle, ack: 0, mailboxAck: 0, frev: -1 };
    await passTime(arbiter, 8_000);
    await fresh.ask('keepalive', beat);
    await passTime(arbiter, 2_000);
    const granted = await fresh.ask('take', call);
    if (granted.kind !== 'granted') throw new Error(JSON.stringify(granted));
    expect(BigInt(granted.epoch)).toBeGreaterThan(had);
  });
});

it('takes no invented session as a sign of lost data, whatever leases this log has granted', async () => {
  const attacker = { componentId: 5_000, ttlMs: 300_000, resumes: 1 };
  await arbiter.client();
  await passTime(arbiter, 11_000);
  for (const instance of ['first', 'second']) {
    const session = await arbiter.client({ ...attacker, instance });
    await arbiter.ask('deregister', { ...session.next(), force: true });
  }
  expect(await take(await arbiter.client(), 1)).toMatchObject({ kind: 'granted' });
  expect((await events()).filter((one) => one.endsWith('store-reset'))).toEqual([]);
});

it('takes no invented epoch as a sign of lost data', async () => {
  const client = await arbiter.client();
  const farAhead = BigInt(Date.now()) * 1000n + 10n * 86_400_000_000n;
  await epochOfTake(client, 1, farAhead);
  const epoch = await epochOfTake(client, 2);
  expect(epoch).toBeLessThan(farAhead);
});

it('issues a higher epoch for an interface whose record was deleted', async () => {
  const first = await epochOfTake(await arbiter.client(), 1);
  await arbiter.link.command('DEL', `mgm:{${arbiter.router}}:if:1:`);
  expect(await epochOfTake(await arbiter.client(), 1)).toBeGreaterThan(first);
});

it('reports it once, however many managers notice', async () => {
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
