import type { RunningServer } from '@mgm/devstack';
import { eventually, storedNumber } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { NEWEST_SCHEMA } from '../src/keys.ts';
import { arbiterForEach, openArbiter, on, type Arbiter } from './arbiter.ts';

let redis: RunningServer;
let arbiter: Arbiter;

arbiterForEach((opened, server) => {
  arbiter = opened;
  redis = server;
});

const key = (suffix: string) => `mgm:{${arbiter.router}}:${suffix}`;
const command = (name: string, ...args: string[]) => arbiter.link.command(name, ...args);

/** Everything a router has in Redis, as Redis would dump it. */
async function dump(): Promise<Record<string, unknown>> {
  const keys = await command('KEYS', key('*'));
  const names = Array.isArray(keys) ? keys.map(String).sort() : [];
  const dumps = names.map(async (name) => [name, await command('DUMP', name)] as const);
  return Object.fromEntries(await Promise.all(dumps));
}

describe('a key that is not ours', () => {
  it.each([
    ['an interface of the wrong type', 'if:7:', ['HSET', 'x', '1']],
    ['an interface with other bytes', 'if:7:', ['SET', 'garbage']],
    ['an owned set of the wrong type', 'owned:1', ['SET', 'garbage']],
    ['a log of the wrong type', 'events', ['SET', 'garbage']],
    ['a sweep queue of the wrong type', 'leases', ['SET', 'garbage']],
  ])(
    'fails the whole operation and is named in its error: %s',
    async (_, suffix, [verb = '', ...rest]) => {
      const client = await arbiter.client();
      await command('DEL', key(suffix));
      await command(verb, key(suffix), ...rest);
      const before = await dump();
      const call = { ...client.next(), interfaces: [on(6), on(7)] };
      await expect(arbiter.ask('take', call)).rejects.toMatchObject({ code: 'corrupt' });
      expect(await dump()).toEqual(before);
    },
  );

  it('affects no other operation of the same batch', async () => {
    const [a, b, c] = [await arbiter.client(), await arbiter.client(), await arbiter.client()];
    await command('SET', key('if:7:'), 'garbage');
    const results = await Promise.allSettled([
      arbiter.ask('take', { ...a.next(), interfaces: [on(1)] }),
      arbiter.ask('take', { ...b.next(), interfaces: [on(7)] }),
      arbiter.ask('take', { ...c.next(), interfaces: [on(2)] }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { message: expect.stringContaining('if:7:') } });
  });
});

it.each([NEWEST_SCHEMA + 1, 1])(
  'refuses data of schema %i, which is not its own, and leaves it alone',
  async (schema) => {
    const client = await arbiter.client();
    await command('HSET', key('meta'), 'schema', String(schema));
    const before = await dump();
    const call = { ...client.next(), interfaces: [on(1)] };
    await expect(arbiter.ask('take', call)).rejects.toMatchObject({
      code: 'schema',
      message: expect.stringContaining(`schema ${schema}`),
    });
    expect(await dump()).toEqual(before);
  },
);

it('reads and writes the newest schema that managers announce', async () => {
  const client = await arbiter.client();
  await command('HSET', key('meta'), 'schema', String(NEWEST_SCHEMA));
  const call = { ...client.next(), interfaces: [on(1)] };
  expect(await arbiter.ask('take', call)).toMatchObject({ kind: 'granted' });
});

it.each(['SCRIPT', 'FUNCTION'])('serves after %s FLUSH', async (what) => {
  const client = await arbiter.client();
  await command(what, 'FLUSH');
  const call = { ...client.next(), interfaces: [on(1)] };
  expect(await arbiter.ask('take', call)).toMatchObject({ kind: 'granted' });
});

it('refuses takes while Redis is out of memory, and grants new ones afterwards', async () => {
  const client = await arbiter.client();
  await command('CONFIG', 'SET', 'maxmemory', '1');
  const before = await dump();
  const call = { ...client.next(), interfaces: [on(1)] };
  expect(await arbiter.ask('take', call)).toEqual({ kind: 'store_full' });
  const keptReply = { [key('client:1')]: expect.anything(), [key('meta')]: expect.anything() };
  expect(await dump()).toEqual({ ...before, ...keptReply });
  await command('CONFIG', 'SET', 'maxmemory', '0');
  expect(await arbiter.ask('take', call)).toEqual({ kind: 'store_full' });
  const another = { ...client.next(), interfaces: [on(1)] };
  expect(await arbiter.ask('take', another)).toMatchObject({ kind: 'granted' });
});

it('reports that nothing was executed when Redis became a replica, and looks for the primary again', async () => {
  const client = await arbiter.client();
  using other = await openArbiter(redis);
  await other.link.command('REPLICAOF', '127.0.0.1', '1');
  const call = { ...client.next(), interfaces: [on(1)] };
  await expect(arbiter.ask('take', call)).rejects.toMatchObject({ code: 'unavailable' });
  await other.link.command('REPLICAOF', 'NO', 'ONE');
  await eventually(
    async () => expect(await arbiter.ask('take', call)).toMatchObject({ kind: 'granted' }),
    { withinMs: 30_000 },
  );
});

it('stores nothing for a router that is only read', async () => {
  expect(await arbiter.ask('owner', { interface: on(1) })).toEqual({ kind: 'free' });
  await arbiter.ask('sweep', { most: 10, mostEntries: 10, servingMs: 500 });
  expect(await dump()).toEqual({});
});

it('keeps only the record of an ended client, for some minutes', async () => {
  const client = await arbiter.client();
  await arbiter.ask('take', { ...client.next(), interfaces: [on(1), on(2)] });
  await arbiter.ask('deregister', { ...client.next(), force: true });
  expect(Object.keys(await dump())).toEqual([key('client:1'), key('events'), key('meta')]);
  expect(Number(await command('PTTL', key('client:1')))).toBeGreaterThan(60_000);
});

it.each(['evicted', 'expired'])(
  'leaves one small record of a session that was %s with unacknowledged replies',
  async (how) => {
    const owner = await arbiter.client({ name: 'n'.repeat(40) });
    const interfaces = Array.from({ length: 40 }, (_, at) => on(at + 1));
    await arbiter.ask('take', { ...owner.next(), interfaces });
    const client = await arbiter.client();
    for (let turn = 0; turn < 5; turn++) {
      await arbiter.ask('take', { ...client.next(), ack: 1, interfaces });
    }
    const record = key(`client:${client.handle.client}`);
    if (how === 'evicted') {
      await arbiter.ask('admin_evict', { session: client.session, actor: 'ann', why: 'a test' });
    } else {
      await command(...storedNumber(record, 'client.ttlMs', 'set', 1));
      await arbiter.ask('keepalive', { handle: client.handle, ack: 0, mailboxAck: 0, frev: -1 });
      await eventually(
        async () => {
          await arbiter.ask('sweep', { most: 48, mostEntries: 48, servingMs: 3_600_000 });
          expect(await command('PTTL', record)).toBeGreaterThan(0);
        },
        { withinMs: 30_000 },
      );
    }
    expect(await command('HKEYS', record)).toEqual(['record']);
    expect(await command('MEMORY', 'USAGE', record)).toBeLessThan(1_024);
  },
);

it('leaves no mailbox behind of a session that ends in the batch that wrote to it', async () => {
  const igmp = await arbiter.client({ protocolId: 10, isIgmp: true, componentId: 77 });
  await arbiter.ask('take', { ...igmp.next(), interfaces: [on(1), on(2)] });
  const by = { actor: 'ann', why: 'test' };
  const [, heir] = await Promise.all([
    arbiter.ask('admin_release', { interface: on(1), epoch: '', ...by }),
    arbiter.client({
      protocolId: 10,
      isIgmp: true,
      componentId: 77,
      instance: 'i2',
      takeover: true,
    }),
  ]);
  await Promise.all([
    arbiter.ask('admin_release', { interface: on(2), epoch: '', ...by }),
    arbiter.ask('admin_evict', { session: heir.session, ...by }),
  ]);
  expect(Object.keys(await dump()).filter((name) => name.includes('mailbox'))).toEqual([]);
});

it('leaves nothing behind of a session when two take over in one batch', async () => {
  const igmp = await arbiter.client({ protocolId: 10, isIgmp: true, componentId: 79 });
  await arbiter.ask('take', { ...igmp.next(), interfaces: [on(1)] });
  await arbiter.ask('take', { ...igmp.next(), interfaces: [on(2)] });
  await arbiter.ask('admin_release', { interface: on(1), epoch: '', actor: 'ann', why: 'test' });
  const heir = { protocolId: 10, isIgmp: true, componentId: 79, takeover: true };
  await Promise.all([
    arbiter.client({ ...heir, instance: 'i2' }),
    arbiter.client({ ...heir, instance: 'i3' }),
  ]);
  expect(Object.keys(await dump()).filter((name) => name.includes('mailbox'))).toEqual([]);
  expect(String(await command('HKEYS', key('client:1')))).not.toContain('answer:');
});

it('returns no kept reply of a session to its successor in the same batch', async () => {
  const old = await arbiter.client({ componentId: 78 });
  await arbiter.ask('take', { ...old.next(), interfaces: [on(1)] });
  const [, heir] = await Promise.all([
    arbiter.ask('take', { ...old.next(), interfaces: [on(2)] }),
    arbiter.client({ componentId: 78, instance: 'i2', takeover: true }),
  ]);
  const call = { ...heir.next(), interfaces: [on(3)] };
  const answer = await arbiter.decide('take', call);
  expect(answer.batch.runs).toMatchObject([{ type: 'taken', interfaces: [{ ifIndex: 3 }] }]);
});

it('refuses a late copy of an abandoned request, also right after the session has ended', async () => {
  const client = await arbiter.client();
  const take = { ...client.next(), interfaces: [on(1)] };
  await arbiter.ask('take', take);
  const [, copy] = await Promise.all([
    arbiter.ask('deregister', { ...client.next(), force: true }),
    arbiter.ask('take', take),
  ]);
  expect(copy).toEqual({ kind: 'bad_handle' });
});

it('keeps no more than the last callbacks of a session that acknowledges none', async () => {
  const igmp = await arbiter.client({ protocolId: 10, isIgmp: true, ttlMs: 300_000 });
  const pim = await arbiter.client({ ttlMs: 300_000 });
  const interfaces = Array.from({ length: 1_000 }, (_, i) => on(i + 1));
  await arbiter.ask('take', { ...igmp.next(), interfaces });
  for (let pairs = 0; pairs < 36_000; pairs += 2_000) {
    await arbiter.ask('take', { ...pim.next(), interfaces });
    await arbiter.ask('release', { ...pim.next(), interfaces, epoch: '' });
  }
  const page = await arbiter.ask('mailbox', { handle: igmp.handle, after: 0, limit: 1 });
  if (page.kind !== 'messages') throw new Error(page.kind);
  expect(page.head).toBe(72_000);
  // 65 536 messages reach back to 6465, which stands in the entry of 6001 to 8000; entries go whole.
  expect(page.entries[0]?.callbacks[0]?.seq).toBe(6_001);
  expect(Number(await command('XLEN', key(`mailbox:${igmp.session}`)))).toBe(33);
});

it('deletes replies that the client has acknowledged', async () => {
  const client = await arbiter.client();
  for (let i = 1; i <= 20; i++)
    await arbiter.ask('take', { ...client.next(), interfaces: [on(i)] });
  const fields = await command('HKEYS', key('client:1'));
  expect(String(fields).match(/answers:/g)).toEqual(['answers:']);
});
