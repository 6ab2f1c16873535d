import { expect, it } from 'vitest';
import { DECLARED, type ArbiterArgs } from '../src/generated/arbiter.ts';
import { eventsOf } from '../src/batch-reply.ts';
import { arbiterForEach, on, reached, type Arbiter, type TestClient } from './arbiter.ts';

let arbiter: Arbiter;
arbiterForEach((own) => {
  arbiter = own;
});

const GROUP = '4e0000001';
const ALL = { from: '', to: '', after: '', slot: 0, limit: 10, session: 0, interface: '' };
const ALERTS = 15;
const IGMP = { protocolId: 10, isIgmp: true, mask: ALERTS };
const SWEEP = { most: 100, mostEntries: 100, servingMs: 3_600_000 };

type Set = ArbiterArgs['interface_set'];

function setting(client: TestClient, ifIndex: number, fields: Partial<Set> = {}): Set {
  const { handle, seq, ack } = client.next();
  const none = { epoch: '', localMembers: '', wrongIf: '' };
  return { handle, seq, ack, interface: on(ifIndex), ...none, ...fields };
}

/** Asks twice with the same `seq`; both replies must be the same. */
async function set(client: TestClient, ifIndex: number, fields: Partial<Set>): Promise<object> {
  const args = setting(client, ifIndex, fields);
  const first = await arbiter.ask('interface_set', args);
  expect(await arbiter.ask('interface_set', args)).toEqual(first);
  return first;
}

async function add(client: TestClient, ifIndex: number): Promise<void> {
  const { handle, seq, ack } = client.next();
  const element = { interfaces: [on(ifIndex)], entries: [GROUP], codes: [0], single: true };
  const reply = await arbiter.ask('member_add', { handle, seq, ack, ...element, epoch: '' });
  expect(reply).toMatchObject({ kind: 'changed', count: 1 });
}

const take = (client: TestClient, ifIndex: number, advise = false) =>
  arbiter.ask('take', { ...client.next(), interfaces: [on(ifIndex)], advise });

/** Types, causes and items of the alerts and callbacks in a mailbox. */
async function mail({ handle }: TestClient): Promise<readonly string[]> {
  const reply = await arbiter.ask('mailbox', { handle, after: 0, limit: 100 });
  if (reply.kind !== 'messages') throw new Error(reply.kind);
  return reply.entries.flatMap(({ callbacks, alerts }) =>
    [...callbacks, ...alerts]
      .toSorted((one, other) => one.seq - other.seq)
      .map(({ type, cause }) => `${type} ${cause}`),
  );
}

async function countsFor(): Promise<readonly unknown[]> {
  const { items } = await arbiter.ask('members', ALL);
  return items.map((item) => item.countsFor);
}

async function schema(): Promise<string | null> {
  const stored = await arbiter.link.command('HGET', `mgm:{${arbiter.router}}:meta`, 'schema');
  return String(stored);
}

it('sets what changes, with one event, and clears it with the hold', async () => {
  const owner = await arbiter.client();
  await take(owner, 1);
  expect(await schema()).toBe('2');
  const advise = { localMembers: 'advise', wrongIf: 'true' };
  expect(await set(owner, 1, advise)).toEqual({ kind: 'set', changed: true });
  expect(await set(owner, 1, advise)).toEqual({ kind: 'set', changed: false });
  expect(await set(owner, 1, {})).toEqual({ kind: 'set', changed: false });
  expect(await schema()).toBe('4');
  const { entries } = await arbiter
    .ask('events', { after: 0, limit: 10 })
    .then((reply) => (reply.kind === 'entries' ? reply : { entries: [] }));
  const events = entries.flatMap(({ ts, runs }) => runs.flatMap((run) => eventsOf(run, ts)));
  expect(events.filter(({ type }) => type === 'interface-set')).toMatchObject([
    { session: owner.session, ...on(1), localMembers: 'advise', wrongIf: true, cause: 'policy' },
  ]);
  await arbiter.ask('release', { ...owner.next(), interfaces: [on(1)], epoch: '' });
  expect(await schema()).toBe('2');
  await take(owner, 1, true);
  expect(await schema()).toBe('4');
  expect(await set(owner, 1, { localMembers: 'advise' })).toEqual({ kind: 'set', changed: false });
});

it('keeps settings through inheritance', async () => {
  const owner = await arbiter.client({ componentId: 7_000 });
  await take(owner, 1, true);
  const heir = await arbiter.client({ componentId: 7_000, instance: 'the next', takeover: true });
  expect(await set(heir, 1, { localMembers: 'advise' })).toEqual({ kind: 'set', changed: false });
});

it('refuses interfaces that are free or not owned, another epoch, and a full store', async () => {
  const [owner, igmp] = [await arbiter.client(), await arbiter.client(IGMP)];
  await take(owner, 1);
  await take(igmp, 2);
  const wrongIf = { wrongIf: 'true' };
  expect(await set(owner, 9, wrongIf)).toEqual({ kind: 'not_found' });
  const { session } = igmp;
  expect(await set(owner, 2, wrongIf)).toMatchObject({ kind: 'not_owner', holder: { session } });
  expect(await set(igmp, 2, wrongIf)).toMatchObject({ kind: 'not_owner' });
  expect(await set(owner, 1, { ...wrongIf, epoch: '1' })).toMatchObject({ kind: 'other_epoch' });
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await set(owner, 1, wrongIf)).toEqual({ kind: 'store_full' });
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '0');
  expect(await schema()).toBe('2');
});

it("counts IGMP's memberships for no client under advise, and alerts the owner", async () => {
  const [owner, igmp] = [await arbiter.client({ mask: ALERTS }), await arbiter.client(IGMP)];
  const other = await arbiter.client({ mask: ALERTS });
  await take(owner, 1, true);
  await take(igmp, 1);
  await add(igmp, 1);
  expect(await countsFor()).toEqual([undefined]);
  expect(await mail(owner)).toEqual(['LOCAL_JOIN member']);
  expect(await mail(other)).toEqual([]);
  const page = { any: false, after: '', limit: 10, isAnonymous: false };
  const listed = (client: TestClient) => arbiter.ask('groups', { ...page, handle: client.handle });
  expect(await listed(other)).toMatchObject({ items: `${GROUP} 0 0000` });
  expect(await listed(owner)).toMatchObject({ items: `${GROUP} 0 0010` });
  await add(owner, 1);
  expect(await countsFor()).toEqual([undefined, owner.session]);
  expect(await mail(other)).toEqual(['JOIN_ALERT member']);
});

/** More interfaces than the end of a session releases in its own step; the last one is released last. */
const MANY = Array.from({ length: 300 }, (_, at) => on(at + 1000));
const LAST = 1299;

it('withdraws memberships that count for no client with the hold of the owner', async () => {
  const [owner, igmp] = [await arbiter.client(), await arbiter.client(IGMP)];
  await arbiter.ask('take', { ...owner.next(), interfaces: MANY, advise: true });
  await take(igmp, LAST);
  await add(igmp, LAST);
  const { session } = owner;
  await arbiter.ask('admin_evict', { session, actor: 'operator', why: 'a test' });
  expect(await countsFor()).toEqual([]);
  await add(igmp, LAST);
  expect(await countsFor()).toEqual([igmp.session]);
});

it('opens a window for IGMP when localMembers changes', async () => {
  const [owner, igmp] = [await arbiter.client({ mask: ALERTS }), await arbiter.client(IGMP)];
  const other = await arbiter.client({ mask: ALERTS });
  await take(owner, 1);
  await take(igmp, 1);
  await add(igmp, 1);
  expect(await mail(other)).toEqual(['JOIN_ALERT member']);
  const before = await mail(igmp);
  await arbiter.ask('interface_set', setting(owner, 1, { localMembers: 'advise' }));
  expect(await mail(igmp)).toEqual([...before, 'DISABLE_IGMP policy', 'ENABLE_IGMP policy']);
  expect(await countsFor()).toEqual([]);
  await arbiter.decide('sweep', SWEEP);
  expect(await mail(other)).toEqual(['JOIN_ALERT member', 'PRUNE_ALERT policy']);
  expect(await mail(owner)).toEqual(['LOCAL_JOIN member']);
  await add(igmp, 1);
  expect(await countsFor()).toEqual([undefined]);
  await arbiter.ask('interface_set', setting(owner, 1, { localMembers: 'forward' }));
  await arbiter.decide('sweep', SWEEP);
  await add(igmp, 1);
  expect(await countsFor()).toEqual([owner.session]);
  expect(await mail(other)).toHaveLength(3);
});

it('refuses what every sequenced request may be refused for', async () => {
  const client = await arbiter.client({ componentId: 7_001 });
  const forged = { ...client.handle, secret: 'x'.repeat(22) };
  const ask = (args: Set) => arbiter.ask('interface_set', args);
  expect(await ask(setting(client, 1, { handle: forged }))).toEqual({ kind: 'bad_handle' });
  const base = client.next();
  const high = setting(client, 1, { seq: base.seq + 10_000, ack: base.seq });
  expect(await ask(high)).toMatchObject({ kind: 'seq_too_high' });
  const used = client.next();
  await arbiter.ask('release', { ...used, interfaces: [on(1)], epoch: '' });
  const { seq, ack } = used;
  expect(await ask(setting(client, 1, { seq, ack }))).toMatchObject({ kind: 'seq_reused' });
  await arbiter.ask('keepalive', { handle: client.handle, ack: seq + 1, mailboxAck: 0, frev: -1 });
  expect(await ask(setting(client, 1, { seq, ack }))).toMatchObject({ kind: 'stale_request' });
  await arbiter.client({ componentId: 7_001, instance: 'the next', takeover: true });
  expect(await ask(setting(client, 1))).toMatchObject({ kind: 'session_expired' });
});

/** Reached where the window of kept replies is full, like that of `take`. */
const OF_FULL_WINDOWS = ['interface_set:window_full'];

it('reached every reply that a header declares', () => {
  const declared = DECLARED.interface_set.map((tag) => `interface_set:${tag}`);
  expect(declared.filter((one) => !reached.has(one)).toSorted()).toEqual(OF_FULL_WINDOWS);
});
