import { expect, it } from 'vitest';
import { membershipEventOf } from '../src/membership-messages.ts';
import { DECLARED, type ArbiterArgs } from '../src/generated/arbiter.ts';
import {
  arbiterForEach,
  on,
  openArbiter,
  reached,
  type Arbiter,
  type TestClient,
} from './arbiter.ts';
import { GROUP, requestsTo } from './requests.ts';

let arbiter: Arbiter;
let redis: { readonly url: string };
arbiterForEach((own, server) => {
  arbiter = own;
  redis = server;
});

const requests = requestsTo(() => arbiter);
const { join, leave, sweep, take } = requests;

const [S1, S2, S3] = ['0a000001', '0a000002', '0a000003'] as const;
const ALL = { from: '', to: '', after: '', slot: 0, limit: 100, session: 0, interface: '' };
const ALERTS = 15;
const IGMP = { protocolId: 10, isIgmp: true, mask: ALERTS };

type Filter = ArbiterArgs['member_set'];

const include = (...sources: readonly string[]) => ({
  entries: sources.map((source) => `${GROUP}${source}`),
  exclude: '',
});
const exclude = (...sources: readonly string[]) => ({
  entries: [GROUP],
  exclude: sources.join(''),
});

function filter(client: TestClient, ifIndex: number, fields: Partial<Filter>): Filter {
  const { handle, seq, ack } = client.next();
  return {
    handle,
    seq,
    ack,
    interface: on(ifIndex),
    group: GROUP,
    epoch: '',
    ...include(),
    ...fields,
  };
}

/** Asks twice with the same `seq`; both replies must be the same. */
async function set(client: TestClient, ifIndex: number, fields: Partial<Filter>): Promise<object> {
  const args = filter(client, ifIndex, fields);
  const first = await arbiter.ask('member_set', args);
  expect(await arbiter.ask('member_set', args)).toEqual(first);
  return first;
}

/** `<entry> <exclude list>` of every membership. */
async function listed(): Promise<readonly string[]> {
  const { items } = await arbiter.ask('members', ALL);
  return items.map((item) => `${item.entry} ${item.exclude}`);
}

/** `<type> <items>` of the alerts in a mailbox. */
async function alertsOf(client: TestClient): Promise<readonly string[]> {
  const alerts = await requests.alertsOf(client);
  return alerts.map(({ type, items }) => `${type} ${items}`);
}

async function events() {
  const reply = await arbiter.ask('member_events', { after: 0, limit: 100 });
  if (reply.kind !== 'entries') throw new Error(reply.kind);
  return reply.entries.flatMap(({ ts, runs }) => runs.map((run) => membershipEventOf(run, ts)));
}

it('replaces what a client wants of a group, in one step', async () => {
  const client = await arbiter.client();
  await take(client, 1);
  const replaced = { kind: 'replaced', updated: false };
  const first = { ...replaced, added: 2, removed: 0, mrev: 2 };
  expect(await set(client, 1, include(S1, S2))).toEqual(first);
  expect(await set(client, 1, include(S2, S3))).toEqual({
    ...first,
    added: 1,
    removed: 1,
    mrev: 4,
  });
  expect(await listed()).toEqual([`${GROUP}${S2} `, `${GROUP}${S3} `]);
  const toExclude = { kind: 'replaced', added: 1, removed: 2, updated: true, mrev: 8 };
  expect(await set(client, 1, exclude(S1))).toEqual(toExclude);
  expect(await listed()).toEqual([`${GROUP} ${S1}`]);
  expect(await set(client, 1, exclude(S1))).toEqual({ ...first, added: 0, mrev: 8 });
  expect(await set(client, 1, exclude())).toEqual({ ...first, added: 0, updated: true, mrev: 9 });
  expect(await set(client, 1, include())).toEqual({ ...first, added: 0, removed: 1, mrev: 10 });
  expect(await listed()).toEqual([]);
});

it('writes an event for a changed list, with its sources', async () => {
  const client = await arbiter.client();
  await take(client, 1);
  await set(client, 1, exclude(S1, S2));
  const found = (await events()).map(({ type, first, mrev, items }) => ({
    type,
    first,
    mrev,
    items,
  }));
  expect(found).toEqual([
    { type: 'joined', first: 1, mrev: 1, items: [['224.0.0.1', '', 1, '']] },
    {
      ...{ type: 'updated', first: 2, mrev: 2 },
      items: [['224.0.0.1', '', 1, '', ['10.0.0.1', '10.0.0.2']]],
    },
  ]);
});

it('keeps the list through a repeated add, and removes it with the membership', async () => {
  const client = await arbiter.client();
  await take(client, 1);
  await set(client, 1, exclude(S1));
  expect((await join(client, 1, GROUP)).reply).toMatchObject({ count: 0 });
  expect(await listed()).toEqual([`${GROUP} ${S1}`]);
  await leave(client, 1, GROUP);
  await join(client, 1, GROUP);
  expect(await listed()).toEqual([`${GROUP} `]);
  await set(client, 1, exclude(S1));
  await arbiter.ask('release', { ...client.next(), interfaces: [on(1)], epoch: '' });
  await sweep();
  const key = (name: string) => `mgm:{${arbiter.router}}:${name}`;
  expect(await arbiter.link.command('EXISTS', key('excludes'))).toBe(0);
  expect(String(await arbiter.link.command('HGET', key('meta'), 'schema'))).toBe('2');
});

it('alerts others once for a (*,g), and the owner of each change of the list', async () => {
  const [owner, igmp] = [await arbiter.client({ mask: ALERTS }), await arbiter.client(IGMP)];
  const other = await arbiter.client({ mask: ALERTS });
  await take(owner, 1);
  await take(igmp, 1);
  await set(igmp, 1, exclude(S1));
  await set(igmp, 1, exclude(S2));
  await set(igmp, 1, include(S3));
  expect(await alertsOf(other)).toEqual([`JOIN_ALERT ${GROUP}`, `PRUNE_ALERT ${GROUP} 1: 0`]);
  expect(await alertsOf(owner)).toEqual([
    `LOCAL_JOIN ${GROUP} 1:`,
    `LOCAL_UPDATE ${GROUP} 1: ${S1}`,
    `LOCAL_UPDATE ${GROUP} 1: ${S2}`,
    `LOCAL_JOIN ${GROUP}${S3} 1:`,
    `LOCAL_LEAVE ${GROUP} 1:`,
  ]);
});

it('finds the sources of a hold whose names are not kept', async () => {
  const client = await arbiter.client();
  await take(client, 1);
  const many = Array.from({ length: 300 }, (_, at) =>
    (0x0a010000 + at).toString(16).padStart(8, '0'),
  );
  expect(await set(client, 1, include(...many))).toMatchObject({ added: 300, removed: 0 });
  expect(await set(client, 1, exclude(...many))).toMatchObject({ added: 1, removed: 300 });
  expect(await listed()).toEqual([`${GROUP} ${many.join('')}`]);
});

it('leaves out the interfaces of an entry whose holder excludes the source', async () => {
  const [owner, down] = [await arbiter.client({ mask: ALERTS }), await arbiter.client()];
  await take(owner, 1);
  await take(down, 2);
  const { handle, seq, ack } = owner.next();
  await arbiter.ask('rib_set', {
    ...{ handle, seq, ack, prefixes: ['40a00000008'], faults: [''], via: ['1:'] },
    ...{ neighbours: [''], protocols: [103], preferences: [100] },
  });
  await set(down, 2, exclude(S1));
  const flow = [`${GROUP}${S1}`, `${GROUP}${S2}`];
  await arbiter.ask('flow_new', { handle: down.handle, names: flow, asks: false, silent: [] });
  const oifs = async (entry: string) => {
    const reply = await arbiter.ask('mfe_get', { name: entry });
    return reply.kind === 'found' ? reply.mfe.oifs : reply.kind;
  };
  expect([await oifs(`${GROUP}${S1}`), await oifs(`${GROUP}${S2}`)]).toEqual(['', '2:']);
  await set(down, 2, exclude(S2));
  expect([await oifs(`${GROUP}${S1}`), await oifs(`${GROUP}${S2}`)]).toEqual(['2:', '']);
  const alerts = await alertsOf(owner);
  expect(alerts.slice(-2).map((one) => one.split(' ')[0])).toEqual(['JOIN_FALSE', 'PRUNE_FALSE']);
  await join(down, 2, `${GROUP}${S2}`);
  expect(await oifs(`${GROUP}${S2}`)).toBe('2:');
});

it('refuses what a client may not change, and what exceeds the limit, without any effect', async () => {
  const [client, other] = [await arbiter.client(), await arbiter.client()];
  await take(client, 1);
  await take(other, 2);
  expect(await set(client, 9, exclude())).toEqual({ kind: 'not_found' });
  const { session } = other;
  expect(await set(client, 2, exclude())).toMatchObject({ kind: 'not_owner', holder: { session } });
  const old = { ...exclude(), epoch: '1' };
  expect(await set(client, 1, old)).toMatchObject({ kind: 'other_epoch' });
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '1');
  expect(await set(client, 1, exclude())).toEqual({ kind: 'store_full' });
  await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '0');
  expect(await listed()).toEqual([]);
  using own = await openArbiter(redis, undefined, undefined, undefined, { entriesMax: 1 });
  const limited = await own.client();
  await own.ask('take', { ...limited.next(), interfaces: [on(1)] });
  const two = filter(limited, 1, include(S1, S2));
  expect(await own.ask('member_set', two)).toEqual({ kind: 'limit' });
  expect(await own.ask('member_set', two)).toEqual({ kind: 'limit' });
  expect(await own.ask('members', ALL)).toMatchObject({ items: [] });
});

it('refuses what every sequenced request may be refused for', async () => {
  const client = await arbiter.client({ componentId: 7_002 });
  const forged = { ...client.handle, secret: 'x'.repeat(22) };
  const ask = (fields: Partial<Filter>) => arbiter.ask('member_set', filter(client, 1, fields));
  expect(await ask({ handle: forged })).toEqual({ kind: 'bad_handle' });
  const base = client.next();
  const high = { seq: base.seq + 10_000, ack: base.seq };
  expect(await ask(high)).toMatchObject({ kind: 'seq_too_high' });
  const { seq, ack } = client.next();
  await arbiter.ask('release', { handle: client.handle, seq, ack, interfaces: [on(1)], epoch: '' });
  expect(await ask({ seq, ack })).toMatchObject({ kind: 'seq_reused' });
  await arbiter.ask('keepalive', { handle: client.handle, ack: seq + 1, mailboxAck: 0, frev: -1 });
  expect(await ask({ seq, ack })).toMatchObject({ kind: 'stale_request' });
  await arbiter.client({ componentId: 7_002, instance: 'the next', takeover: true });
  expect(await ask({})).toMatchObject({ kind: 'session_expired' });
});

/** Reached where the window of kept replies is full, like that of `take`. */
const OF_FULL_WINDOWS = ['member_set:window_full'];

it('reached every reply that a header declares', () => {
  const declared = DECLARED.member_set.map((tag) => `member_set:${tag}`);
  expect(declared.filter((one) => !reached.has(one)).toSorted()).toEqual(OF_FULL_WINDOWS);
});
