import { expect, it } from 'vitest';
import { arbiterForEach, on, type Arbiter, type TestClient } from './arbiter.ts';

let arbiter: Arbiter;

arbiterForEach((each) => {
  arbiter = each;
});

const GROUP = '4e0000001';
const OTHER_GROUP = '4e0000002';
const EXACT = '4e00000010a000001';
const BY = { actor: 'alice@noc', why: 'a test' };
const JOIN = 0;

function configure(ifIndex: number, entry = GROUP): Promise<object> {
  return arbiter.ask('admin_member_add', { interface: on(ifIndex), entry, ...BY });
}

function unconfigure(ifIndex: number, entry = GROUP): Promise<object> {
  return arbiter.ask('admin_member_delete', { interface: on(ifIndex), entry, ...BY });
}

async function take(client: TestClient, ...indexes: number[]): Promise<void> {
  const reply = await arbiter.ask('take', {
    ...client.next(),
    interfaces: indexes.map((ifIndex) => on(ifIndex)),
  });
  expect(['granted', 'taken']).toContain(reply.kind);
}

function release(client: TestClient, ifIndex: number): Promise<object> {
  return arbiter.ask('release', { ...client.next(), interfaces: [on(ifIndex)], epoch: '' });
}

function change(
  name: 'member_add' | 'member_delete',
  client: TestClient,
  ifIndex: number,
  entry = GROUP,
): Promise<object> {
  const { handle, seq, ack } = client.next();
  const element = { interfaces: [on(ifIndex)], entries: [entry], codes: [JOIN] };
  return arbiter.ask(name, { handle, seq, ack, ...element, epoch: '', single: true });
}

/** Lets the sweep do everything that is due. */
async function settle(): Promise<void> {
  for (let slices = 0; slices < 50; slices++) {
    const { more } = await arbiter.ask('sweep', {
      most: 100,
      mostEntries: 3,
      servingMs: 3_600_000,
    });
    if (!more) return;
  }
  throw new Error('the sweep does not come to an end');
}

/** `[entry, ifIndex, session, countsFor]` of every membership, over small pages. */
async function members(
  filter: { session?: number; interface?: string; limit?: number } = {},
): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let position = { after: '', slot: 0 }; ;) {
    const page = await arbiter.ask('members', {
      ...{ from: '', to: '', session: 0, interface: '', limit: 2 },
      ...filter,
      ...position,
    });
    for (const {
      entry,
      interface: { ifIndex },
      session,
      countsFor,
    } of page.items) {
      found.push([entry, ifIndex, session ?? 0, countsFor ?? 0]);
    }
    if (page.after === '') return found;
    position = { after: page.after, slot: page.slot };
  }
}

async function groups(client: TestClient): Promise<string> {
  const page = { isAnonymous: false, any: false, after: '', limit: 10 };
  const reply = await arbiter.ask('groups', { ...page, handle: client.handle });
  return reply.kind === 'page' ? reply.items : reply.kind;
}

async function meta(): Promise<Record<string, string>> {
  const stored = await arbiter.link.command('HGET', `mgm:{${arbiter.router}}:meta`, 'schema');
  return { schema: String(stored) };
}

async function keys(): Promise<string[]> {
  const found = await arbiter.link.command('KEYS', `mgm:{${arbiter.router}}:*`);
  return (found as string[]).map((key) => key.slice(key.indexOf('}:') + 2)).toSorted();
}

it('is dormant while no client is on the interface, and active after a take', async () => {
  const [owner, other] = [await arbiter.client(), await arbiter.client({ mask: 15 })];
  expect(await configure(1)).toEqual({ kind: 'done', changed: true, mrev: 1 });
  expect(await configure(1)).toEqual({ kind: 'done', changed: false, mrev: 1 });
  expect(await members()).toEqual([[GROUP, 1, 0, 0]]);
  expect(await groups(other)).toBe('');
  await take(owner, 1);
  await settle();
  expect(await members()).toEqual([[GROUP, 1, 0, owner.session]]);
  expect(await members({ interface: '1:' })).toEqual([[GROUP, 1, 0, owner.session]]);
  expect(await members({ interface: '2:' })).toEqual([]);
  expect(await members({ session: owner.session })).toEqual([]);
  expect(await groups(other)).toBe(`${GROUP} 1 1000`);
  expect(await groups(owner)).toBe(`${GROUP} 1 0000`);
});

it('is active at once where a client is on the interface', async () => {
  const owner = await arbiter.client();
  await take(owner, 1);
  await configure(1);
  expect(await members()).toEqual([[GROUP, 1, 0, owner.session]]);
  expect(await unconfigure(1)).toEqual({ kind: 'done', mrev: 2 });
  expect(await unconfigure(1)).toEqual({ kind: 'unknown_membership' });
  expect(await members()).toEqual([]);
});

it('becomes dormant at the instant its client leaves, before any purge', async () => {
  const [owner, other] = [await arbiter.client(), await arbiter.client()];
  await take(owner, 1);
  await configure(1);
  await release(owner, 1);
  expect(await members()).toEqual([[GROUP, 1, 0, 0]]);
  expect(await groups(other)).toBe('');
  await settle();
  expect(await members()).toEqual([[GROUP, 1, 0, 0]]);
  await take(other, 1);
  await settle();
  expect(await members()).toEqual([[GROUP, 1, 0, other.session]]);
  await arbiter.ask('admin_evict', { session: other.session, ...BY });
  expect(await members()).toEqual([[GROUP, 1, 0, 0]]);
});

it('counts for the owner, else for IGMP, also where the owner set `advise`', async () => {
  const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
  const owner = await arbiter.client();
  await take(igmp, 1);
  await configure(1);
  expect(await members()).toEqual([[GROUP, 1, 0, igmp.session]]);
  await arbiter.ask('take', { ...owner.next(), interfaces: [on(1)], advise: true });
  expect(await members()).toEqual([[GROUP, 1, 0, 0]]);
  await settle();
  expect(await members()).toEqual([[GROUP, 1, 0, owner.session]]);
  await arbiter.ask('interface_set', {
    ...{ ...owner.next(), interface: on(1), epoch: '' },
    ...{ localMembers: 'forward', wrongIf: '' },
  });
  expect(await members()).toEqual([[GROUP, 1, 0, owner.session]]);
  await release(igmp, 1);
  expect(await members()).toEqual([[GROUP, 1, 0, owner.session]]);
  await take(igmp, 1);
  await release(owner, 1);
  await settle();
  expect(await members()).toEqual([[GROUP, 1, 0, igmp.session]]);
});

it('cannot be deleted by a session, whose own membership is another one', async () => {
  const owner = await arbiter.client();
  await take(owner, 1);
  await configure(1);
  const failed = [{ index: 0, reason: 'no_membership' }];
  expect(await change('member_delete', owner, 1)).toMatchObject({ count: 0, failed });
  expect(await change('member_add', owner, 1)).toMatchObject({ count: 1, mrev: 2 });
  expect(await change('member_delete', owner, 1)).toMatchObject({ count: 1, mrev: 3 });
  expect(await members()).toEqual([[GROUP, 1, 0, owner.session]]);
});

it('has events when it is configured and removed only, with the operator', async () => {
  const owner = await arbiter.client();
  await configure(1);
  await take(owner, 1);
  await settle();
  await release(owner, 1);
  await settle();
  await unconfigure(1);
  const log = await arbiter.ask('member_events', { after: 0, limit: 10 });
  const runs = log.kind === 'entries' ? log.entries.flatMap((entry) => entry.runs) : [];
  const run = { protocolId: 0, cause: 'admin', ...BY };
  expect(runs).toMatchObject([
    { ...run, first: 1, type: 'joined', items: `${GROUP} 1:` },
    { ...run, first: 2, type: 'left', items: `${GROUP} 1:` },
  ]);
});

it('keeps 1024 per interface, and activates all of them in slices', async () => {
  const entries = Array.from({ length: 1025 }, (_, at) => `4e1${at.toString(16).padStart(6, '0')}`);
  for (const entry of entries.slice(0, 1024)) await configure(1, entry);
  expect(await configure(1, entries[1024])).toEqual({ kind: 'limit' });
  expect(await configure(1, entries[0])).toMatchObject({ kind: 'done', changed: false });
  expect(await configure(2, entries[1024])).toMatchObject({ kind: 'done', changed: true });
  const owner = await arbiter.client();
  await take(owner, 1);
  while ((await arbiter.ask('sweep', { most: 1, mostEntries: 64, servingMs: 1000 })).more);
  const found = await members({ interface: '1:', limit: 100 });
  expect(found).toEqual(entries.slice(0, 1024).map((entry) => [entry, 1, 0, owner.session]));
  await release(owner, 1);
  while ((await arbiter.ask('sweep', { most: 1, mostEntries: 64, servingMs: 1000 })).more);
  expect(await members({ interface: '1:', limit: 100 })).toEqual(
    entries.slice(0, 1024).map((entry) => [entry, 1, 0, 0]),
  );
});

it('leaves no keys behind, and lowers the schema', async () => {
  const client = await arbiter.client();
  const before = await keys();
  expect(await meta()).toEqual({ schema: '2' });
  await configure(1);
  expect(await meta()).toEqual({ schema: '4' });
  await take(client, 1);
  await settle();
  await release(client, 1);
  await settle();
  await unconfigure(1);
  expect(await meta()).toEqual({ schema: '2' });
  const kept = await keys();
  expect(kept.filter((key) => !before.includes(key))).toEqual(['mlog', 'operator-log']);
});

function set(fields: { maxGroups?: number; maxEntries?: number; lite?: number }): Promise<object> {
  const absent = { maxGroups: -1, maxEntries: -1, lite: -1 };
  return arbiter.ask('admin_interface_set', { interface: on(1), ...absent, ...fields, ...BY });
}

it('sets limits, replies what they were, and changes nothing by a repeat', async () => {
  const none = { maxGroups: 0, maxEntries: 0, lite: false };
  expect(await set({ maxGroups: 5 })).toEqual({ kind: 'set', changed: true, ...none });
  expect(await set({ maxGroups: 5 })).toMatchObject({ changed: false, maxGroups: 5 });
  expect(await set({})).toEqual({ kind: 'set', changed: false, ...none, maxGroups: 5 });
  expect(await set({ lite: 1 })).toMatchObject({ changed: true, lite: false });
  expect(await meta()).toEqual({ schema: '4' });
  expect(await set({ maxGroups: 0, lite: 0 })).toMatchObject({ changed: true, lite: true });
  expect(await meta()).toEqual({ schema: '2' });
  expect(
    (await keys()).filter((key) => key.startsWith('set:') || key.startsWith('groups:')),
  ).toEqual([]);
});

const LIMIT = [{ index: 0, reason: 'limit' }];

it('counts memberships on the interface for maxEntries', async () => {
  const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
  const owner = await arbiter.client();
  await take(igmp, 1);
  await take(owner, 1);
  await set({ maxEntries: 3 });
  expect(await change('member_add', owner, 1)).toMatchObject({ count: 1 });
  expect(await change('member_add', igmp, 1)).toMatchObject({ count: 1 });
  expect(await configure(1)).toMatchObject({ changed: true });
  expect(await configure(1, EXACT)).toEqual({ kind: 'limit' });
  expect(await change('member_add', owner, 1, EXACT)).toMatchObject({ failed: LIMIT });
  // What is there is no new membership.
  expect(await change('member_add', owner, 1)).toMatchObject({ count: 0, failed: [] });
  await release(igmp, 1);
  expect(await change('member_add', owner, 1, EXACT)).toMatchObject({ count: 1 });
});

it('counts groups on the interface for maxGroups, also those from before it was set', async () => {
  const [owner, next] = [await arbiter.client(), await arbiter.client()];
  await take(owner, 1, 2);
  await change('member_add', owner, 1);
  await change('member_add', owner, 1, EXACT);
  await change('member_add', owner, 2, OTHER_GROUP);
  await set({ maxGroups: 1 });
  expect(await change('member_add', owner, 1, OTHER_GROUP)).toMatchObject({ failed: LIMIT });
  expect(await change('member_add', owner, 1, '4')).toMatchObject({ count: 1 });
  expect(await change('member_add', owner, 1, '4e00000010a000002')).toMatchObject({ count: 1 });
  await set({ maxGroups: 2 });
  expect(await configure(1, OTHER_GROUP)).toMatchObject({ changed: true });
  expect(await configure(1, '4e0000003')).toEqual({ kind: 'limit' });
  await release(owner, 1);
  await take(next, 1);
  // What was withdrawn does not count, what is static does.
  expect(await change('member_add', next, 1)).toMatchObject({ count: 1 });
  expect(await change('member_add', next, 1, '4e0000003')).toMatchObject({ failed: LIMIT });
  await unconfigure(1, OTHER_GROUP);
  expect(await change('member_add', next, 1, '4e0000003')).toMatchObject({ count: 1 });
});

it('does not count the groups of an ended hold after the next hold began with a (*,*)', async () => {
  const [owner, next] = [await arbiter.client(), await arbiter.client()];
  await set({ maxGroups: 1 });
  await take(owner, 1);
  await change('member_add', owner, 1);
  await release(owner, 1);
  await take(next, 1);
  expect(await change('member_add', next, 1, '4')).toMatchObject({ count: 1 });
  expect(await change('member_add', next, 1, OTHER_GROUP)).toMatchObject({ count: 1 });
  expect(await change('member_add', next, 1)).toMatchObject({ failed: LIMIT });
});

it('counts a group no more when its last membership was deleted after the end of a hold', async () => {
  const owner = await arbiter.client();
  await set({ maxGroups: 1 });
  await configure(1);
  await take(owner, 1);
  expect(await change('member_add', owner, 1)).toMatchObject({ count: 1 });
  await release(owner, 1);
  expect(await unconfigure(1)).toMatchObject({ kind: 'done' });
  expect(await configure(1, OTHER_GROUP)).toMatchObject({ kind: 'done', changed: true });
  expect(await configure(1)).toEqual({ kind: 'limit' });
});

it('counts the groups of many entries in slices', async () => {
  const owner = await arbiter.client();
  await take(owner, 1);
  const { handle, seq, ack } = owner.next();
  const entries = Array.from({ length: 1500 }, (_, at) => `4e1${at.toString(16).padStart(6, '0')}`);
  const codes = entries.map(() => JOIN);
  const interfaces = entries.map(() => on(1));
  const many = { handle, seq, ack, interfaces, entries, codes, epoch: '', single: false };
  expect(await arbiter.ask('member_add', many)).toMatchObject({ count: 1500 });
  await set({ maxGroups: 1501 });
  await settleAll();
  expect(await change('member_add', owner, 1)).toMatchObject({ count: 1 });
  expect(await change('member_add', owner, 1, OTHER_GROUP)).toMatchObject({ failed: LIMIT });
  await change('member_delete', owner, 1, entries[0]);
  expect(await change('member_add', owner, 1, OTHER_GROUP)).toMatchObject({ count: 1 });
});

async function settleAll(): Promise<void> {
  while ((await arbiter.ask('sweep', { most: 1, mostEntries: 100, servingMs: 1000 })).more);
}
