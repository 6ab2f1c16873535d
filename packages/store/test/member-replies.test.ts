import { startRedis, type RunningServer } from '@mgm/devstack';
import { storedNumber } from '@mgm/test-support';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { DECLARED, type ArbiterArgs } from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import { on, openArbiter, reached, type Arbiter, type TestClient } from './arbiter.ts';

let redis: RunningServer;
let arbiter: Arbiter;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
  arbiter = await openArbiter(redis);
});
afterAll(async () => {
  arbiter[Symbol.dispose]();
  await redis.stop();
});

const GROUP = '4e0000001';
const JOIN = 0;
/** Membership contract, section 3. */
const HOLDS_MAX = 1_000_000;

type Change = ArbiterArgs['member_add'];

function change(client: TestClient, ifIndex: number, fields: Partial<Change> = {}): Change {
  const { handle, seq, ack } = client.next();
  const element = { interfaces: [on(ifIndex)], entries: [GROUP], codes: [JOIN] };
  return { handle, seq, ack, ...element, epoch: '', single: true, ...fields };
}

/** Asks twice with the same `seq`; both replies must be the same. */
async function twice<Name extends 'member_add' | 'member_delete'>(
  name: Name,
  args: Change,
): Promise<object> {
  const first = await arbiter.ask(name, args);
  expect(await arbiter.ask(name, args)).toEqual(first);
  return first;
}

const page = { isAnonymous: true, any: false, after: '', limit: 10 };
const all = { from: '', to: '', after: '', slot: 0, limit: 10, session: 0, interface: '' };

it('adds, lists, deletes and logs a membership, each request once', async () => {
  const client = await arbiter.client();
  await arbiter.ask('take', { ...client.next(), interfaces: [on(1)] });
  const added = { kind: 'changed', count: 1, mrev: 1, failed: [] };
  expect(await twice('member_add', change(client, 1))).toEqual(added);
  expect(await twice('member_add', change(client, 1))).toEqual({ ...added, count: 0 });
  const listed = await arbiter.ask('groups', {
    ...page,
    handle: client.handle,
    isAnonymous: false,
  });
  expect(listed).toMatchObject({ items: `${GROUP} 1 0100` });
  expect(await arbiter.ask('groups', { ...page, handle: NO_HANDLE })).toMatchObject({
    items: `${GROUP} 1 1000`,
  });
  const { session } = client;
  const mine = { entry: GROUP, interface: on(1), session, countsFor: session };
  expect(await arbiter.ask('members', all)).toMatchObject({ items: [mine], after: '' });
  expect(await arbiter.ask('members', { ...all, interface: '1:' })).toMatchObject({
    items: [mine],
  });
  expect(await arbiter.ask('members', { ...all, session })).toMatchObject({ items: [mine] });
  expect(await arbiter.ask('members', { ...all, interface: '2:' })).toMatchObject({ items: [] });
  const deleted = { kind: 'changed', count: 1, mrev: 2, failed: [] };
  expect(await twice('member_delete', change(client, 1))).toEqual(deleted);
  const failed = [{ index: 0, reason: 'no_membership' }];
  const refused = { kind: 'changed', count: 0, mrev: 2, failed };
  expect(await twice('member_delete', change(client, 1))).toEqual(refused);
  const log = await arbiter.ask('member_events', { after: 0, limit: 10 });
  expect(log).toMatchObject({ kind: 'entries', first: 1 });
  await arbiter.link.command('XTRIM', `mgm:{${arbiter.router}}:mlog`, 'MINID', '2');
  expect(await arbiter.ask('member_events', { after: 0, limit: 10 })).toEqual({
    kind: 'compacted',
    first: 2,
  });
});

it('decides the elements of a bulk request one by one', async () => {
  const [client, other] = [await arbiter.client(), await arbiter.client()];
  await arbiter.ask('take', { ...client.next(), interfaces: [on(11)] });
  await arbiter.ask('take', { ...other.next(), interfaces: [on(12)] });
  const interfaces = [11, 12, 13, 11, 11, 11].map((ifIndex) => on(ifIndex));
  const entries = [GROUP, GROUP, GROUP, '', `${GROUP}c0a80001`, GROUP];
  const bulk = { interfaces, entries, codes: [0, 0, 0, 6, 2, 1], single: false };
  expect(await twice('member_add', change(client, 11, bulk))).toMatchObject({
    count: 1,
    failed: [
      { index: 1, reason: 'not_owner' },
      { index: 2, reason: 'not_found' },
      { index: 3, reason: 'ssm' },
      { index: 4, reason: 'no_mfe' },
    ],
  });
  const holder = { session: other.session };
  for (const name of ['member_add', 'member_delete'] as const) {
    expect(await twice(name, change(client, 12))).toMatchObject({ kind: 'not_owner', holder });
    const old = change(client, 11, { epoch: '1' });
    expect(await twice(name, old)).toMatchObject({ kind: 'other_epoch' });
  }
});

it('refuses invalid handles and numbers, and ended sessions', async () => {
  const client = await arbiter.client();
  const forged = { ...client.handle, secret: 'x'.repeat(22) };
  const expired = await arbiter.client({ componentId: 77 });
  await arbiter.client({ componentId: 77, instance: 'the next process', takeover: true });
  for (const name of ['member_add', 'member_delete'] as const) {
    expect(await arbiter.ask(name, change(client, 1, { handle: forged }))).toEqual({
      kind: 'bad_handle',
    });
    expect(await arbiter.ask(name, change(expired, 1))).toMatchObject({ kind: 'session_expired' });
    const base = client.next();
    const high = change(client, 1, { seq: base.seq + 10_000, ack: base.seq });
    expect(await arbiter.ask(name, high)).toMatchObject({ kind: 'seq_too_high' });
    const used = client.next();
    await arbiter.ask('release', { ...used, interfaces: [on(1)], epoch: '' });
    const reused = change(client, 1, { seq: used.seq, ack: used.ack });
    expect(await arbiter.ask(name, reused)).toMatchObject({ kind: 'seq_reused' });
    await arbiter.ask('keepalive', {
      handle: client.handle,
      ack: used.seq + 1,
      mailboxAck: 0,
      frev: -1,
    });
    expect(await arbiter.ask(name, reused)).toMatchObject({ kind: 'stale_request' });
  }
  const asking = { ...page, isAnonymous: false };
  expect(await arbiter.ask('groups', { ...asking, handle: forged })).toEqual({
    kind: 'bad_handle',
  });
  expect(await arbiter.ask('groups', { ...asking, handle: expired.handle })).toMatchObject({
    kind: 'session_expired',
  });
});

it('adds no more entries than the limit, also within one request', async () => {
  using own = await openArbiter(redis, undefined, undefined, undefined, { entriesMax: 1 });
  const client = await own.client();
  await own.ask('take', { ...client.next(), interfaces: [on(1)] });
  const two = { interfaces: [on(1), on(1)], entries: [GROUP, '4e0000002'], codes: [0, 0] };
  const failed = [{ index: 1, reason: 'limit' }];
  const reply = await own.ask('member_add', change(client, 1, { ...two, single: false }));
  expect(reply).toMatchObject({ count: 1, failed });
});

it('refuses memberships on more holds than the limit, and adds them on present ones', async () => {
  using own = await openArbiter(redis);
  const client = await own.client();
  await own.ask('take', { ...client.next(), interfaces: [on(1), on(2)] });
  await own.ask('member_add', change(client, 1));
  const meta = `mgm:{${own.router}}:meta`;
  await own.link.command(...storedNumber(meta, 'meta.memberSlots', 'set', HOLDS_MAX));
  const failed = [{ index: 0, reason: 'limit' }];
  expect(await own.ask('member_add', change(client, 2))).toMatchObject({ count: 0, failed });
  const other = { entries: ['4e0000002'] };
  expect(await own.ask('member_add', change(client, 1, other))).toMatchObject({ count: 1 });
  await own.link.command(...storedNumber(meta, 'meta.memberSlots', 'set', HOLDS_MAX - 1));
  expect(await own.ask('member_add', change(client, 2))).toMatchObject({ count: 1, failed: [] });
});

it('refuses adds and carries out deletes when Redis is out of memory', async () => {
  const client = await arbiter.client();
  await arbiter.ask('take', { ...client.next(), interfaces: [on(31)] });
  await arbiter.ask('member_add', change(client, 31));
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await twice('member_add', change(client, 31))).toEqual({ kind: 'store_full' });
  expect(await twice('member_delete', change(client, 31))).toMatchObject({ count: 1 });
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '0');
});

/** Reached where the window of kept replies is full, like that of `take`, and in overrides.test.ts. */
const ELSEWHERE = /:(window_full|forwarded|rules_full)$/;

it('reached every reply that a header declares', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    /^(member_(?!set)|members|groups)/.test(operation)
      ? tags.map((tag) => `${operation}:${tag}`)
      : [],
  );
  const missing = declared.filter((one) => !reached.has(one) && !ELSEWHERE.test(one));
  expect(missing).toEqual([]);
});
