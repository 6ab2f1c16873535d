import { startRedis, type RunningServer } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DECLARED } from '../src/generated/arbiter.ts';
import { openArbiter, on, reached, type Arbiter, type TestClient } from './arbiter.ts';

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

const forged = { client: 999, session: 1, secret: 'x' };
const take = (client: TestClient, ...interfaces: ReturnType<typeof on>[]) =>
  arbiter.ask('take', { ...client.next(), interfaces });
const expired = async (): Promise<TestClient> => {
  const client = await arbiter.client({ ttlMs: 1 });
  const beat = { handle: client.handle, ack: 0, mailboxAck: 0, frev: -1 };
  await eventually(
    async () => expect((await arbiter.ask('keepalive', beat)).kind).toBe('session_expired'),
    { withinMs: 30_000 },
  );
  return client;
};

describe('register', () => {
  it('gives the same session to the same instance, and refuses another', async () => {
    const fields = {
      protocolId: 103,
      componentId: 900,
      isIgmp: false,
      instance: 'one',
      name: 'pim',
      ttlMs: 10_000,
      graceMs: 0,
      takeover: false,
      resumes: 0,
      mask: 0,
      secret: 'a',
    };
    const first = await arbiter.ask('register', fields);
    expect(await arbiter.ask('register', { ...fields, secret: 'b' })).toEqual(first);
    const other = await arbiter.ask('register', { ...fields, instance: 'two' });
    expect(other).toMatchObject({ kind: 'already_registered', name: 'pim' });
  });

  it('lets a supervisor take over: same interfaces, new session, new epoch, old handle dead', async () => {
    const old = await arbiter.client({ componentId: 901 });
    await take(old, on(901), on(902));
    const now = await arbiter.client({ componentId: 901, instance: 'new', takeover: true });
    const owner = await arbiter.ask('owner', { interface: on(901) });
    expect(owner).toMatchObject({ kind: 'held', holder: { session: now.session } });
    const beat = { handle: old.handle, ack: 0, mailboxAck: 0, frev: -1 };
    expect(await arbiter.ask('keepalive', beat)).toEqual({
      kind: 'session_expired',
      session: old.session,
    });
  });
});

describe('register to resume', () => {
  it('inherits from the session it names while that one lives, and from no other', async () => {
    const old = await arbiter.client({ componentId: 903 });
    await take(old, on(903));
    const fields = { componentId: 903, instance: 'after an outage' };
    const strangers = arbiter.client({ ...fields, resumes: old.session - 1 });
    await expect(strangers).rejects.toThrow('already_registered');
    const now = await arbiter.client({ ...fields, resumes: old.session });
    const owner = await arbiter.ask('owner', { interface: on(903) });
    expect(owner).toMatchObject({ holder: { session: now.session } });
    const late = arbiter.client({ ...fields, instance: 'late', resumes: old.session });
    await expect(late).rejects.toThrow('already_registered');
  });
});

describe.each(['take', 'release', 'deregister'] as const)('%s', (operation) => {
  const ask = (sequence: ReturnType<TestClient['next']>, ifIndex = 50) =>
    operation === 'deregister'
      ? arbiter.ask('deregister', { ...sequence, force: false })
      : operation === 'take'
        ? arbiter.ask('take', { ...sequence, interfaces: [on(ifIndex)] })
        : arbiter.ask('release', { ...sequence, interfaces: [on(ifIndex)], epoch: '' });

  it('refuses a forged handle', async () => {
    expect(await ask({ handle: forged, seq: 1, ack: 1, held: [], advise: false })).toEqual({
      kind: 'bad_handle',
    });
  });

  it('refuses the handle of an expired session', async () => {
    const client = await expired();
    expect(await ask(client.next())).toEqual({
      kind: 'session_expired',
      session: client.session,
    });
  });

  it('refuses a request that the client has abandoned', async () => {
    const { handle } = await arbiter.client();
    await arbiter.ask('keepalive', { handle, ack: 5, mailboxAck: 0, frev: -1 });
    expect(await ask({ handle, seq: 4, ack: 1, held: [], advise: false })).toEqual({
      kind: 'stale_request',
      ack: 5,
    });
  });

  it('refuses a seq beyond the reply window', async () => {
    const { handle } = await arbiter.client();
    expect(await ask({ handle, seq: 4098, ack: 1, held: [], advise: false })).toEqual({
      kind: 'seq_too_high',
      highest: 4097,
    });
  });

  it('refuses a seq that was another operation', async () => {
    const { handle } = await arbiter.client();
    const epoch = '';
    const other =
      operation === 'take'
        ? arbiter.ask('release', { handle, seq: 1, ack: 1, interfaces: [on(51)], epoch })
        : arbiter.ask('take', {
            handle,
            seq: 1,
            ack: 1,
            interfaces: [on(52)],
            held: [],
            advise: false,
          });
    await other;
    expect(await ask({ handle, seq: 1, ack: 1, held: [], advise: false })).toMatchObject({
      kind: 'seq_reused',
    });
  });
});

describe('take and release', () => {
  it('decides each interface by itself, and gives a repeat the first reply', async () => {
    const [a, b] = [await arbiter.client(), await arbiter.client()];
    await take(a, on(10));
    const call = { ...b.next(), interfaces: [on(10), on(11), on(11)] };
    const { reply, rev } = await arbiter.decide('take', call);
    expect(reply).toMatchObject({
      results: [
        { kind: 'already_owned', holder: { session: a.session } },
        { kind: 'taken' },
        { kind: 'already_taken' },
      ],
    });
    await arbiter.ask('release', { ...a.next(), interfaces: [on(10)], epoch: '' });
    const again = await arbiter.decide('take', call);
    expect(again).toMatchObject({ reply, rev });
    expect(await arbiter.ask('owner', { interface: on(10) })).toEqual({ kind: 'free' });
  });

  it('releases only what is held, and only under the present epoch', async () => {
    const [a, b] = [await arbiter.client(), await arbiter.client()];
    const taken = await take(a, on(20));
    const release = (client: TestClient, ifIndex: number, epoch: string) =>
      arbiter.ask('release', { ...client.next(), interfaces: [on(ifIndex)], epoch });
    expect(await release(b, 20, '')).toMatchObject({ results: [{ kind: 'not_owner' }] });
    expect(await release(a, 21, '')).toMatchObject({ results: [{ kind: 'unknown_interface' }] });
    expect(await release(a, 20, '7')).toMatchObject({ results: [{ kind: 'other_epoch' }] });
    const epoch = taken.kind === 'granted' && taken.epoch;
    expect(await release(a, 20, String(epoch))).toMatchObject({ kind: 'released' });
  });
});

it('deregisters only when nothing is owned, or by force, and answers a repeat', async () => {
  const client = await arbiter.client();
  await take(client, on(30), on(31));
  const refused = await arbiter.ask('deregister', { ...client.next(), force: false });
  expect(refused).toEqual({ kind: 'owns_interfaces', owned: 2 });
  const call = { ...client.next(), force: true };
  expect(await arbiter.ask('deregister', call)).toEqual({ kind: 'deregistered' });
  expect(await arbiter.ask('deregister', call)).toEqual({ kind: 'deregistered' });
  expect(await arbiter.ask('owner', { interface: on(30) })).toEqual({ kind: 'free' });
  expect(await take(client, on(30))).toEqual({ kind: 'bad_handle' });
});

it('validates by the epoch in force', async () => {
  const client = await arbiter.client();
  await take(client, on(40));
  const validate = (epoch: string) => arbiter.ask('validate', { interface: on(40), epoch });
  const outdated = await validate('1');
  expect(outdated.kind).toBe('outdated');
  const current = outdated.kind === 'outdated' ? outdated.current : '';
  expect(await validate(current)).toEqual({ kind: 'current', current });
  expect(await arbiter.ask('validate', { interface: on(41), epoch: '1' })).toEqual({
    kind: 'free',
  });
});

it('renews a lease and reads a mailbox, and refuses both for forged and expired handles', async () => {
  const igmp = await arbiter.client({ protocolId: 10, isIgmp: true });
  const pim = await arbiter.client();
  await take(igmp, on(60));
  await take(pim, on(60));
  const mailbox = { handle: igmp.handle, after: 0, limit: 10 };
  expect(await arbiter.ask('mailbox', mailbox)).toMatchObject({
    entries: [{ callbacks: [{ type: 'DISABLE_IGMP' }, { type: 'ENABLE_IGMP' }] }],
    head: 2,
  });
  const beat = { handle: igmp.handle, ack: 0, mailboxAck: 2, frev: -1 };
  expect(await arbiter.ask('keepalive', beat)).toMatchObject({ kind: 'kept', mailbox: 2 });
  expect(await arbiter.ask('mailbox', mailbox)).toMatchObject({ entries: [] });
  const ended = await expired();
  for (const handle of [forged, ended.handle]) {
    const kind = handle === forged ? 'bad_handle' : 'session_expired';
    expect(await arbiter.ask('keepalive', { ...beat, handle })).toMatchObject({ kind });
    expect(await arbiter.ask('mailbox', { ...mailbox, handle })).toMatchObject({ kind });
  }
});

it('lets an operator release and evict', async () => {
  const client = await arbiter.client();
  await take(client, on(70), on(71));
  const by = { actor: 'ann', why: 'maintenance' };
  const release = { interface: on(70), epoch: '', ...by };
  expect(await arbiter.ask('admin_release', release)).toMatchObject({ kind: 'released' });
  expect(await arbiter.ask('admin_release', release)).toEqual({ kind: 'free' });
  const evict = { session: client.session, ...by };
  expect(await arbiter.ask('admin_evict', evict)).toEqual({ kind: 'evicted', released: 1 });
  expect(await arbiter.ask('admin_evict', evict)).toEqual({ kind: 'unknown_session' });
  const outdated = { ...release, epoch: '1' };
  expect(await arbiter.ask('admin_release', outdated)).toMatchObject({ kind: 'other_epoch' });
  expect(await arbiter.ask('admin_end_holdoff', by)).toEqual({ kind: 'no_holdoff' });
  expect(await arbiter.ask('admin_events', { after: 0, limit: 9 })).toMatchObject({
    kind: 'entries',
    head: 6,
  });
});

it('lets an operator configure static memberships and settings of interfaces', async () => {
  using own = await openArbiter(redis);
  const by = { actor: 'ann', why: 'a test' };
  const membership = { interface: on(1), entry: '4e0000001', ...by };
  const settings = { interface: on(1), maxGroups: 1, maxEntries: 2, lite: 1, ...by };
  const none = { maxGroups: 0, maxEntries: 0, lite: false };
  const set = { maxGroups: 1, maxEntries: 2, lite: true };
  const ask = async () => [
    await own.ask('admin_member_add', membership),
    await own.ask('admin_interface_set', settings),
    await own.ask('admin_member_add', { ...membership, entry: '4e0000002' }),
  ];
  const limit = { kind: 'limit' };
  const added = { kind: 'done', mrev: 1 };
  expect(await ask()).toEqual([
    { ...added, changed: true },
    { kind: 'set', changed: true, ...none },
    limit,
  ]);
  expect(await ask()).toEqual([
    { ...added, changed: false },
    { kind: 'set', changed: false, ...set },
    limit,
  ]);
  await own.link.command('CONFIG', 'SET', 'maxmemory', '1');
  const full = { kind: 'store_full' };
  expect(await own.ask('admin_member_add', membership)).toEqual(full);
  expect(await own.ask('admin_interface_set', settings)).toEqual(full);
  expect(await own.ask('admin_member_delete', membership)).toEqual({ kind: 'done', mrev: 2 });
  await own.link.command('CONFIG', 'SET', 'maxmemory', '0');
  const gone = { kind: 'unknown_membership' };
  expect(await own.ask('admin_member_delete', membership)).toEqual(gone);
  const log = await own.ask('admin_events', { after: 0, limit: 9 });
  expect(log).toMatchObject({
    entries: [
      { type: 'joined', operation: 'admin.member.add', entry: '4e0000001', ...by },
      { type: 'interface-set', settings: 'maxGroups=1,maxEntries=2,lite=true', cause: 'admin' },
      { type: 'refused', reason: 'limit', entry: '4e0000002' },
      { type: 'refused', reason: 'limit' },
      { type: 'left', operation: 'admin.member.delete', entry: '4e0000001' },
      { type: 'refused', reason: 'not-found', operation: 'admin.member.delete' },
    ],
  });
});

it('refuses a session or an interface beyond the configured limit', async () => {
  const limits = { sessionsMax: 1, interfacesMax: 2 };
  using own = await openArbiter(redis, undefined, undefined, undefined, limits);
  const client = await own.client();
  await expect(own.client()).rejects.toThrow('too_many_sessions');
  const call = { ...client.next(), interfaces: [on(1), on(2), on(3)] };
  expect(await own.ask('take', call)).toMatchObject({
    results: [{ kind: 'taken' }, { kind: 'taken' }, { kind: 'too_many_interfaces' }],
  });
});

describe('the reply window', () => {
  /** Interfaces that a client with a long name owns, and a bulk take of all of them by another client. */
  async function refusedBulk(own: Arbiter) {
    const interfaces = Array.from({ length: 1_024 }, (_, at) => on(at + 1));
    const owner = await own.client({ name: 'ŋ'.repeat(256), graceMs: 60_000 });
    await own.ask('take', { ...owner.next(), interfaces });
    const client = await own.client();
    const ask = (ack = 1) => own.ask('take', { ...client.next(), ack, interfaces });
    const record = `mgm:{${own.router}}:client:${client.handle.client}`;
    return { owner, client, interfaces, ask, record };
  }

  it('keeps refusals without the names of holders, and gives a repeat the same reply', async () => {
    using own = await openArbiter(redis);
    const { owner, client, interfaces, record } = await refusedBulk(own);
    const call = { ...client.next(), ack: 1, interfaces };
    const first = await own.decide('take', call);
    const bytes = await own.link.command('MEMORY', 'USAGE', record);
    expect(bytes).toBeLessThan(100_000);
    const again = await own.decide('take', call);
    expect(again).toMatchObject({ reply: first.reply, rev: first.rev });
    await own.ask('deregister', { ...owner.next(), force: true });
    expect((await own.decide('take', call)).reply).toEqual(first.reply);
  });

  it('executes no further request of a session that acknowledges nothing, beyond 1 MiB', async () => {
    using own = await openArbiter(redis);
    const { client, ask, record } = await refusedBulk(own);
    let kind = '';
    for (let turn = 0; turn < 100 && kind !== 'window_full'; turn++) ({ kind } = await ask());
    expect(kind).toBe('window_full');
    const release = { ...client.next(), ack: 1, interfaces: [on(1)], epoch: '' };
    expect(await own.ask('release', release)).toEqual({ kind: 'window_full' });
    expect(await own.link.command('MEMORY', 'USAGE', record)).toBeLessThan(1_500_000);
    const { seq } = client.next();
    await own.ask('keepalive', { handle: client.handle, ack: seq, mailboxAck: 0, frev: -1 });
    expect(await ask(seq)).toMatchObject({ kind: 'decided' });
    expect(await own.link.command('MEMORY', 'USAGE', record)).toBeLessThan(200_000);
  });
});

it('lists interfaces and sessions, reads the log, and reports where it was cut', async () => {
  using own = await openArbiter(redis);
  const client = await own.client();
  await own.ask('take', { ...client.next(), interfaces: [on(1), on(2), on(3)] });
  const first = { client: 0, last: '', score: 0, began: 0, limit: 2, session: 0, protocol: -1 };
  expect((await own.ask('interfaces', first)).items).toHaveLength(2);
  expect((await own.ask('sessions', { after: 0, limit: 9 })).items).toHaveLength(1);
  expect(await own.ask('head', {})).toEqual({
    kind: 'head',
    first: 1,
    sessions: 1,
    holdOffMs: 0,
    membersFirst: 1,
    fibFirst: 1,
    dueInMs: expect.any(Number),
    schema: 2,
  });
  expect((await own.ask('events', { after: 0, limit: 9 })).kind).toBe('entries');
  await own.link.command('XTRIM', `mgm:{${own.router}}:events`, 'MINID', '4');
  expect(await own.ask('events', { after: 0, limit: 9 })).toEqual({ kind: 'compacted', first: 2 });
  expect(await own.ask('sweep', { most: 10, mostEntries: 10, servingMs: 500 })).toMatchObject({
    kind: 'swept',
    more: false,
    idle: false,
  });
  expect(await own.ask('purge', { retentionMs: 0 })).toEqual({ kind: 'in_use' });
  await own.ask('deregister', { ...client.next(), force: true });
  expect(await own.ask('purge', { retentionMs: 60_000 })).toMatchObject({ kind: 'kept' });
  expect(await own.ask('purge', { retentionMs: 0 })).toEqual({ kind: 'purged' });
});

it('refuses new takes during a hold-off, single and in a list', async () => {
  using forgetful = await openArbiter(redis);
  const before = await forgetful.client();
  const call = { ...before.next(), interfaces: [on(1)] };
  const taken = await forgetful.ask('take', call);
  if (taken.kind !== 'granted') throw new Error(taken.kind);
  const keys = await forgetful.link.command('KEYS', `mgm:{${forgetful.router}}:*`);
  await forgetful.link.command('DEL', ...(Array.isArray(keys) ? keys.map(String) : []));
  const client = await forgetful.client();
  const alone = await forgetful.ask('take', { ...client.next(), interfaces: [on(2)] });
  expect(alone).toEqual({ kind: 'held_back', retryAfterMs: expect.any(Number) });
  const held = [Number(taken.epoch), 0];
  const list = await forgetful.ask('take', { ...client.next(), interfaces: [on(1), on(2)], held });
  const by = { actor: 'ann', why: 'a test' };
  expect(await forgetful.ask('admin_end_holdoff', by)).toMatchObject({ kind: 'ended' });
  expect(list).toMatchObject({ results: [{ kind: 'taken' }, { kind: 'held_back' }] });
});

it('answers repeats, renews leases and releases interfaces when Redis is out of memory', async () => {
  using own = await openArbiter(redis);
  const client = await own.client();
  const take = { ...client.next(), interfaces: [on(1)] };
  const granted = await own.ask('take', take);
  await own.link.command('CONFIG', 'SET', 'maxmemory', '1');
  const beat = { handle: client.handle, ack: 0, mailboxAck: 0, frev: -1 };
  const another = { ...client.next(), ack: 1, interfaces: [on(2)] };
  const answers = await Promise.all([
    own.ask('take', take),
    own.ask('take', another),
    own.ask('keepalive', beat),
    own.ask('owner', { interface: on(1) }),
  ]);
  expect(answers).toMatchObject([
    granted,
    { kind: 'store_full' },
    { kind: 'kept' },
    { kind: 'held' },
  ]);
  await expect(own.client()).rejects.toThrow('store_full');
  const giveBack = { ...client.next(), interfaces: [on(1)], epoch: '' };
  expect(await own.ask('release', giveBack)).toEqual({ kind: 'released' });
  await own.link.command('CONFIG', 'SET', 'maxmemory', '0');
  const third = { ...client.next(), interfaces: [on(2)] };
  expect(await own.ask('take', third)).toMatchObject({ kind: 'granted' });
});

it('refuses what the policy of the caller does not permit, and gives a repeat the same refusal', async () => {
  using own = await openArbiter(redis);
  const quota = { sessionsMax: 0, interfacesMax: 0, keptBytesMax: 0 };
  const rights = { mayTakeOver: false, isDenied: false, ...quota };
  const pim = { identity: 'pim1', refusedInterfaces: [1], ...rights };
  const client = await own.client({ componentId: 1 }, pim);
  const args = { ...client.next(), interfaces: [on(1), on(2)] };
  const refused = { results: [{ kind: 'taken' }, { kind: 'not_permitted' }] };
  expect(await own.ask('take', args, pim)).toMatchObject(refused);
  expect(await own.ask('take', args, pim)).toMatchObject(refused);
  const thief = { identity: 'thief', refusedInterfaces: [], ...rights, isDenied: true };
  const takeover = { componentId: 1, takeover: true, instance: 'another' };
  await expect(own.client(takeover, thief)).rejects.toThrow('of_another_identity');
  await expect(own.client(takeover, thief)).rejects.toThrow('of_another_identity');
  const by = { actor: 'ann', why: 'a test' };
  const denied = { kind: 'not_permitted' };
  for (const _ of ['once', 'twice']) {
    const release = { interface: on(1), epoch: '', ...by };
    expect(await own.ask('admin_release', release, thief)).toEqual(denied);
    const evict = { session: client.session, ...by };
    expect(await own.ask('admin_evict', evict, thief)).toEqual(denied);
    expect(await own.ask('admin_end_holdoff', by, thief)).toEqual(denied);
    const membership = { interface: on(1), entry: '4e0000001', ...by };
    expect(await own.ask('admin_member_add', membership, thief)).toEqual(denied);
    expect(await own.ask('admin_member_delete', membership, thief)).toEqual(denied);
    const settings = { interface: on(1), maxGroups: 1, maxEntries: -1, lite: -1, ...by };
    expect(await own.ask('admin_interface_set', settings, thief)).toEqual(denied);
  }
});

it('refuses what exceeds the quotas of the caller, and gives a repeat the same refusal', async () => {
  using own = await openArbiter(redis);
  const quota = { sessionsMax: 1, interfacesMax: 1, keptBytesMax: 0 };
  const rights = { mayTakeOver: false, isDenied: false, refusedInterfaces: [], ...quota };
  const pim = { identity: 'pim1', ...rights };
  const client = await own.client({ componentId: 1 }, pim);
  const args = { ...client.next(), interfaces: [on(1), on(2)] };
  for (const _ of ['once', 'twice']) {
    expect(await own.ask('take', args, pim)).toMatchObject({
      results: [{ kind: 'taken' }, { kind: 'quota_reached' }],
    });
    await expect(own.client({ componentId: 2 }, pim)).rejects.toThrow('quota_reached');
  }
});

/** Reached by agents, member-replies, owner-settings, routes, mfes and overrides.test.ts. */
const ELSEWHERE = /^(agents$|fib$|groups|interface_set|member|rib|flow|mfe)/;

it('reached every reply that a header declares', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    ELSEWHERE.test(operation) ? [] : tags.map((tag) => `${operation}:${tag}`),
  );
  expect(declared.filter((one) => !reached.has(one))).toEqual([]);
});
