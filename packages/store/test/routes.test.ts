import { eventually } from '@mgm/test-support';
import { beforeEach, describe, expect, it } from 'vitest';
import { DECLARED, type ArbiterArgs } from '../src/generated/arbiter.ts';
import { NO_HANDLE } from '../src/names.ts';
import {
  arbiterForEach,
  on,
  openArbiter,
  reached,
  type Arbiter,
  type TestClient,
} from './arbiter.ts';

let arbiter: Arbiter;
let redis: { readonly url: string };
arbiterForEach((one, server) => {
  arbiter = one;
  redis = server;
});

/** A prefix of IPv4 by its first two octets. */
function prefix(first: number, second: number, length: number): string {
  const hex = [first, second].map((octet) => octet.toString(16).padStart(2, '0')).join('');
  return `4${hex}0000${length.toString(16).padStart(2, '0')}`;
}

const SOURCE = '40a010203';
const WIDE = prefix(10, 0, 8);
const NARROW = prefix(10, 1, 16);

type Set = ArbiterArgs['rib_set'];

function route(client: TestClient, name: string, ifIndex: number, fields: Partial<Set> = {}): Set {
  const { handle, seq, ack } = client.next();
  return {
    handle,
    seq,
    ack,
    prefixes: [name],
    faults: [''],
    via: [`${ifIndex}:`],
    neighbours: [''],
    protocols: [103],
    preferences: [100],
    ...fields,
  };
}

/** Asks twice with the same `seq`; both replies must be the same. */
async function twice<Name extends 'rib_set' | 'rib_delete'>(
  name: Name,
  args: ArbiterArgs[Name],
): Promise<object> {
  const first = await arbiter.ask(name, args);
  expect(await arbiter.ask(name, args)).toEqual(first);
  return first;
}

function remove(client: TestClient, ...prefixes: string[]): ArbiterArgs['rib_delete'] {
  const { handle, seq, ack } = client.next();
  return { handle, seq, ack, prefixes, faults: prefixes.map(() => '') };
}

const resolve = (source = SOURCE) => arbiter.ask('rib_resolve', { source });
const all = { session: 0, after: '', client: 0, limit: 10 };
const list = (fields: Partial<ArbiterArgs['rib_list']> = {}) =>
  arbiter.ask('rib_list', { ...all, ...fields });
const sweep = () => arbiter.ask('sweep', { most: 48, mostEntries: 48, servingMs: 3_600_000 });

async function settled(): Promise<void> {
  await eventually(
    async () => {
      await sweep();
      const { view } = (await arbiter.decide('head', {})).batch;
      expect(view.isUnsettled).toBe(false);
    },
    { withinMs: 30_000, everyMs: 1 },
  );
}

/** The keys of the router without those that every used router has. */
async function keysOfView(): Promise<string[]> {
  const found = await arbiter.link.command('KEYS', `mgm:{${arbiter.router}}:*`);
  return (found as string[])
    .map((key) => key.replace(/^.*\}:/, ''))
    .filter((key) => /^(rib|prefixes|routes:|via:|sources|notified|dirty)/.test(key))
    .toSorted();
}

async function schema(): Promise<unknown> {
  return arbiter.link.command('HGET', `mgm:{${arbiter.router}}:meta`, 'schema');
}

describe('routes', () => {
  let client: TestClient;
  beforeEach(async () => {
    client = await arbiter.client();
  });

  it('are set, found, listed and deleted, each request once', async () => {
    const changed = { kind: 'changed', count: 1, rrev: 1, failed: [] };
    expect(await twice('rib_set', route(client, WIDE, 7))).toEqual(changed);
    expect(await twice('rib_set', route(client, WIDE, 7))).toEqual({ ...changed, count: 0 });
    const found = { kind: 'found', prefix: WIDE, interface: on(7), neighbour: '', protocolId: 103 };
    expect(await resolve()).toEqual({ ...found, holder: undefined });
    await arbiter.ask('take', { ...client.next(), interfaces: [on(7)] });
    const { session } = client;
    expect(await resolve()).toMatchObject({ ...found, holder: { session } });
    const item = { prefix: WIDE, preference: 100, session, best: true };
    expect(await list()).toMatchObject({ items: [item], after: '' });
    expect(await list({ session })).toMatchObject({ items: [item] });
    expect(await list({ session: session + 1 })).toMatchObject({ items: [] });
    expect(await twice('rib_delete', remove(client, WIDE, NARROW))).toEqual({
      ...changed,
      rrev: 2,
    });
    expect(await twice('rib_delete', remove(client, WIDE))).toEqual({
      ...changed,
      count: 0,
      rrev: 2,
    });
    expect(await resolve()).toEqual({ kind: 'none' });
  });

  it('report wrong elements, and execute the others', async () => {
    const fields = {
      prefixes: ['', NARROW, ''],
      faults: ['network', '', 'length'],
      via: ['1:', '2:', '3:'],
      neighbours: ['', '', ''],
      protocols: [1, 2, 3],
      preferences: [1, 2, 3],
    };
    const failed = [
      { index: 0, reason: 'network' },
      { index: 2, reason: 'length' },
    ];
    const set = await twice('rib_set', route(client, '', 0, fields));
    expect(set).toMatchObject({ count: 1, failed });
    const { prefixes, faults } = fields;
    const deleted = await twice('rib_delete', { ...remove(client), prefixes, faults });
    expect(deleted).toMatchObject({ count: 1, failed });
  });

  it('of the longest prefix decide, then the lowest preference, then the first client', async () => {
    const other = await arbiter.client();
    const via = async () => {
      const found = await resolve();
      return found.kind === 'found' ? found.interface.ifIndex : undefined;
    };
    await arbiter.ask('rib_set', route(client, prefix(0, 0, 0), 1));
    expect(await via()).toBe(1);
    await arbiter.ask('rib_set', route(client, WIDE, 2));
    expect(await via()).toBe(2);
    await arbiter.ask('rib_set', route(other, NARROW, 3));
    expect(await via()).toBe(3);
    await arbiter.ask('rib_set', route(client, NARROW, 4));
    expect(await via()).toBe(4);
    await arbiter.ask('rib_set', route(other, NARROW, 3, { preferences: [99] }));
    expect(await via()).toBe(3);
    const items = [
      { prefix: prefix(0, 0, 0), best: true },
      { prefix: WIDE, best: true },
      { prefix: NARROW, session: client.session, best: false },
      { prefix: NARROW, session: other.session, best: true },
    ];
    expect(await list()).toMatchObject({ items });
    await arbiter.ask('rib_delete', remove(other, NARROW));
    expect(await via()).toBe(4);
    await arbiter.ask('rib_delete', remove(client, NARROW, WIDE));
    expect(await via()).toBe(1);
  });

  it('of IPv6 and IPv4 are independent', async () => {
    await arbiter.ask('rib_set', route(client, `6${'0'.repeat(32)}00`, 6));
    expect(await resolve()).toEqual({ kind: 'none' });
    const source = `620010db8${'0'.repeat(23)}1`;
    expect(await resolve(source)).toMatchObject({ interface: on(6) });
  });

  it('are listed each once, page by page, also several of one prefix', async () => {
    const other = await arbiter.client();
    for (let at = 0; at < 4; at++) {
      await arbiter.ask('rib_set', route(client, prefix(10, at, 16), at + 1));
      await arbiter.ask('rib_set', route(other, prefix(10, at, 16), at + 1));
    }
    const pages = [];
    let position = { after: '', client: 0 };
    do {
      const page = await list({ ...position, limit: 3 });
      pages.push(page.items);
      position = page;
    } while (position.after !== '');
    expect(pages.map((items) => items.length)).toEqual([3, 3, 2]);
    const named = pages.flat().map((one) => `${one.prefix} ${one.session}`);
    expect(new Set(named).size).toBe(8);
    expect(named.map((one) => one.slice(0, 11))).toEqual(
      named.map((one) => one.slice(0, 11)).toSorted(),
    );
  });

  it('end with their client immediately, and survive inheritance', async () => {
    const componentId = 4711;
    const first = await arbiter.client({ componentId });
    await arbiter.ask('rib_set', route(first, WIDE, 7));
    const heir = await arbiter.client({
      componentId,
      instance: 'the next process',
      takeover: true,
    });
    expect(await resolve()).toMatchObject({ interface: on(7) });
    expect(await list()).toMatchObject({ items: [{ session: heir.session }] });
    await arbiter.ask('deregister', { ...heir.next(), force: false });
    expect(await resolve()).toEqual({ kind: 'none' });
    expect(await list()).toMatchObject({ items: [] });
    await settled();
    expect(await keysOfView()).toEqual([]);
    expect(await schema()).toBe('2');
  });

  it('give the data schema 4 while there are any', async () => {
    await arbiter.ask('rib_set', route(client, WIDE, 7));
    expect(await schema()).toBe('4');
    await arbiter.ask('rib_delete', remove(client, WIDE));
    await settled();
    expect(await schema()).toBe('2');
    expect(await keysOfView()).toEqual([]);
  });

  it('are refused above the limit, and replaced at it', async () => {
    using own = await openArbiter(redis, undefined, undefined, undefined, { routesMax: 1 });
    const one = await own.client();
    const failed = [{ index: 0, reason: 'limit' }];
    expect(await own.ask('rib_set', route(one, WIDE, 1))).toMatchObject({ count: 1 });
    expect(await own.ask('rib_set', route(one, WIDE, 2))).toMatchObject({ count: 1, failed: [] });
    expect(await own.ask('rib_set', route(one, NARROW, 1))).toMatchObject({ count: 0, failed });
  });

  it('are deleted, and not set, when Redis is out of memory', async () => {
    await arbiter.ask('rib_set', route(client, WIDE, 7));
    await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await twice('rib_set', route(client, NARROW, 7))).toEqual({ kind: 'store_full' });
    expect(await twice('rib_delete', remove(client, WIDE))).toMatchObject({ count: 1 });
    await arbiter.link.command('CONFIG', 'SET', 'maxmemory', '0');
  });
});

describe('(s,g) alerts', () => {
  /** The mask of JOIN_ALERT and PRUNE_ALERT. */
  const MASK = 3;
  const ENTRY = '4e00000010a010203';
  let owner: TestClient;
  let receiver: TestClient;
  beforeEach(async () => {
    owner = await arbiter.client({ mask: MASK });
    receiver = await arbiter.client({ mask: MASK });
    await arbiter.ask('take', { ...owner.next(), interfaces: [on(1)] });
    await arbiter.ask('take', { ...receiver.next(), interfaces: [on(2)] });
  });

  const change = (name: 'member_add' | 'member_delete', client: TestClient, ifIndex: number) => {
    const { handle, seq, ack } = client.next();
    const element = { interfaces: [on(ifIndex)], entries: [ENTRY], codes: [0] };
    return arbiter.ask(name, { handle, seq, ack, ...element, epoch: '', single: true });
  };

  /** Type, cause and items of all alerts of a session. */
  const alertsOf = async ({ handle }: TestClient) => {
    const reply = await arbiter.ask('mailbox', { handle, after: 0, limit: 100 });
    if (reply.kind !== 'messages') throw new Error(reply.kind);
    return reply.entries
      .flatMap(({ alerts }) => alerts)
      .map(({ type, cause, items }) => `${type} ${cause} ${items}`);
  };

  /** The item of the entry in `groups`; its last flag is `notified`. */
  const listedFor = async ({ handle }: TestClient) => {
    const page = await arbiter.ask('groups', {
      handle,
      isAnonymous: false,
      any: false,
      after: '',
      limit: 10,
    });
    return page.kind === 'page' ? page.items : undefined;
  };

  it('go to the owner of the interface towards the source, and to no other client', async () => {
    await arbiter.ask('rib_set', route(owner, WIDE, 1));
    await change('member_add', receiver, 2);
    await change('member_add', owner, 1);
    expect(await listedFor(owner)).toBe(`${ENTRY} 2 1101`);
    expect(await listedFor(receiver)).toBe(`${ENTRY} 2 1100`);
    await change('member_delete', receiver, 2);
    expect(await listedFor(owner)).toBe(`${ENTRY} 1 0100`);
    expect(await alertsOf(owner)).toEqual([
      `JOIN_ALERT member ${ENTRY}`,
      `PRUNE_ALERT member ${ENTRY} 2: 0`,
    ]);
    expect(await alertsOf(receiver)).toEqual([]);
  });

  it('follow a first route in slices, and another one to its interface', async () => {
    const other = await arbiter.client({ mask: MASK });
    await arbiter.ask('take', { ...other.next(), interfaces: [on(3)] });
    await change('member_add', receiver, 2);
    await arbiter.ask('rib_set', route(owner, WIDE, 1));
    await settled();
    expect(await alertsOf(owner)).toEqual([`JOIN_ALERT iif-moved ${ENTRY}`]);
    await arbiter.ask('rib_set', route(other, NARROW, 3));
    await settled();
    expect(await alertsOf(other)).toEqual([`JOIN_ALERT iif-moved ${ENTRY}`]);
    await arbiter.ask('release', { ...other.next(), interfaces: [on(3)], epoch: '' });
    await settled();
    await arbiter.ask('rib_delete', remove(other, NARROW));
    await settled();
    expect(await alertsOf(other)).toHaveLength(2);
    expect((await alertsOf(other))[1]).toBe(`PRUNE_ALERT iif-moved ${ENTRY} 0: 0`);
    expect(await alertsOf(owner)).toEqual([
      `JOIN_ALERT iif-moved ${ENTRY}`,
      `PRUNE_ALERT iif-moved ${ENTRY} 0: 0`,
      `JOIN_ALERT iif-moved ${ENTRY}`,
    ]);
  });

  it('follow the owners of the interface, and the end of the client of a route', async () => {
    const setter = await arbiter.client();
    await arbiter.ask('rib_set', route(setter, NARROW, 3));
    await arbiter.ask('rib_set', route(owner, WIDE, 1));
    await change('member_add', receiver, 2);
    await settled();
    const next = await arbiter.client({ mask: MASK });
    await arbiter.ask('take', { ...next.next(), interfaces: [on(3)] });
    await settled();
    expect(await alertsOf(next)).toEqual([`JOIN_ALERT iif-moved ${ENTRY}`]);
    await arbiter.ask('deregister', { ...setter.next(), force: false });
    await settled();
    expect((await alertsOf(next)).at(-1)).toBe(`PRUNE_ALERT iif-moved ${ENTRY} 0: 0`);
    expect(await alertsOf(owner)).toEqual([`JOIN_ALERT iif-moved ${ENTRY}`]);
    await arbiter.ask('release', { ...owner.next(), interfaces: [on(1)], epoch: '' });
    await settled();
    expect((await alertsOf(owner)).at(-1)).toBe(`PRUNE_ALERT iif-moved ${ENTRY} 0: 0`);
  });

  it('come before the next change of the entry, as a change of their own', async () => {
    await arbiter.ask('rib_set', route(owner, WIDE, 1));
    await settled();
    await change('member_add', receiver, 2);
    await arbiter.ask('release', { ...owner.next(), interfaces: [on(1)], epoch: '' });
    const third = await arbiter.client({ mask: MASK });
    await arbiter.ask('take', { ...third.next(), interfaces: [on(1)] });
    await change('member_delete', receiver, 2);
    expect(await alertsOf(owner)).toEqual([
      `JOIN_ALERT member ${ENTRY}`,
      `PRUNE_ALERT iif-moved ${ENTRY} 0: 0`,
    ]);
    expect(await alertsOf(third)).toEqual([
      `JOIN_ALERT iif-moved ${ENTRY}`,
      `PRUNE_ALERT member ${ENTRY} 2: 0`,
    ]);
  });

  it('are held back until settled, however many entries there are', async () => {
    const entries = Array.from(
      { length: 200 },
      (_, at) => `4e00000${(at + 16).toString(16).padStart(2, '0')}0a010203`,
    );
    const { handle, seq, ack } = receiver.next();
    const interfaces = entries.map(() => on(2));
    const codes = entries.map(() => 0);
    await arbiter.ask('member_add', {
      ...{ handle, seq, ack, interfaces, entries, codes },
      ...{ epoch: '', single: false },
    });
    await arbiter.ask('rib_set', route(owner, WIDE, 1));
    const { view, members } = (await arbiter.decide('head', {})).batch;
    expect(view).toMatchObject({ rrev: 1, rsettled: 0, isUnsettled: true });
    await settled();
    const after = (await arbiter.decide('head', {})).batch;
    expect(after.view).toMatchObject({ rrev: 1, rsettled: 1 });
    expect(after.members.settled).toBeGreaterThanOrEqual(members.settled);
    expect((await alertsOf(owner)).join(',').match(/0a010203/g)).toHaveLength(200);
    await arbiter.ask('deregister', { ...owner.next(), force: true });
    const ended = (await arbiter.decide('head', {})).batch;
    expect(ended.members.settled).toBeLessThan(ended.rev);
    await settled();
    const done = (await arbiter.decide('head', {})).batch;
    expect(done.members.settled).toBe(done.rev);
    expect(await arbiter.link.command('HLEN', `mgm:{${arbiter.router}}:notified`)).toBe(0);
  });

  it('have `covered` of the wider entries', async () => {
    await arbiter.ask('rib_set', route(owner, WIDE, 1));
    await change('member_add', receiver, 2);
    const { handle, seq, ack } = receiver.next();
    const wider = { interfaces: [on(2)], entries: ['4e0000001'], codes: [0] };
    await arbiter.ask('member_add', { handle, seq, ack, ...wider, epoch: '', single: true });
    await change('member_delete', receiver, 2);
    expect((await alertsOf(owner)).at(-1)).toBe(`PRUNE_ALERT member ${ENTRY} 2: 1`);
  });
});

it('refuses invalid handles and numbers, and ended sessions', async () => {
  const client = await arbiter.client();
  const expired = await arbiter.client({ componentId: 77 });
  await arbiter.client({ componentId: 77, instance: 'the next process', takeover: true });
  const set = (one: TestClient, fields: object) => route(one, WIDE, 1, fields);
  const drop = (one: TestClient, fields: object) => ({ ...remove(one, WIDE), ...fields });
  const both = (one: TestClient, fields: object = {}) =>
    Promise.all([
      arbiter.ask('rib_set', set(one, fields)),
      arbiter.ask('rib_delete', drop(one, fields)),
    ]);
  const all2 = (kind: string) => [{ kind }, { kind }].map((one) => expect.objectContaining(one));
  expect(await both(client, { handle: NO_HANDLE })).toEqual(all2('bad_handle'));
  expect(await both(expired)).toEqual(all2('session_expired'));
  expect(await both(client, { seq: 100_000, ack: 1 })).toEqual(all2('seq_too_high'));
  const used = client.next();
  await arbiter.ask('release', { ...used, interfaces: [on(1)], epoch: '' });
  const again = { seq: used.seq, ack: used.ack };
  expect(await both(client, again)).toEqual(all2('seq_reused'));
  await arbiter.ask('keepalive', { handle: client.handle, ack: 50, mailboxAck: 0, frev: -1 });
  expect(await both(client, again)).toEqual(all2('stale_request'));
});

/** Reached where the window of kept replies is full, like that of `take`. */
const OF_FULL_WINDOWS = ['rib_delete:window_full', 'rib_set:window_full'];

it('reached every reply that a header declares', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    operation.startsWith('rib') ? tags.map((tag) => `${operation}:${tag}`) : [],
  );
  expect(declared.filter((one) => !reached.has(one)).toSorted()).toEqual(OF_FULL_WINDOWS);
});
