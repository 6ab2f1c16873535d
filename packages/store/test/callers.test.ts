import { startRedis, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Caller } from '../src/queued-operation.ts';
import { eventsOf } from '../src/batch-reply.ts';
import type { ArbiterArgs } from '../src/generated/arbiter.ts';
import { metaKey } from '../src/keys.ts';
import { on, openArbiter, type Arbiter } from './arbiter.ts';

let redis: RunningServer;

beforeAll(async () => {
  redis = await startRedis(inject('servers'));
});
afterAll(() => redis.stop());

function as(identity: string, rights: Partial<Caller> = {}): Caller {
  return {
    identity,
    mayTakeOver: false,
    sessionsMax: 0,
    interfacesMax: 0,
    keptBytesMax: 0,
    refusedInterfaces: [],
    isDenied: false,
    ...rights,
  };
}

let components = 0;

/** Arguments of a registration; those of another component each time. */
function terms(options: Partial<ArbiterArgs['register']> = {}): ArbiterArgs['register'] {
  const componentId = options.componentId ?? ++components;
  return {
    protocolId: 103,
    componentId,
    isIgmp: false,
    instance: `instance-${componentId}-0123456789`,
    name: '',
    ttlMs: 10_000,
    graceMs: 0,
    takeover: false,
    resumes: 0,
    mask: 0,
    secret: `${componentId}`.padStart(22, 's'),
    ...options,
  };
}

async function register(
  arbiter: Arbiter,
  caller: Caller | undefined,
  options?: Partial<ArbiterArgs['register']>,
) {
  const reply = await arbiter.ask('register', terms(options), caller);
  if (reply.kind !== 'registered') throw new Error(`not registered: ${reply.kind}`);
  return { handle: reply, session: reply.session };
}

/** The counts of all identities on the router, as they are stored. */
async function countsOf(arbiter: Arbiter): Promise<Record<string, unknown>> {
  const flat = await arbiter.link.command(
    'HGETALL',
    `${metaKey('mgm', arbiter.router).replace(/:[^:]*$/, '')}:identities`,
  );
  const list = Array.isArray(flat) ? flat.map(String) : [];
  return Object.fromEntries(list.flatMap((field, at) => (at % 2 ? [] : [[field, list[at + 1]]])));
}

const take = (
  handle: { client: number; session: number; secret: string },
  ...indexes: number[]
) => ({
  handle,
  seq: 1,
  ack: 1,
  held: [],
  advise: false,
  interfaces: indexes.map((ifIndex) => on(ifIndex)),
});

describe('a handle', () => {
  it('works for the identity that registered it and for no other', async () => {
    using arbiter = await openArbiter(redis);
    const { handle } = await register(arbiter, as('pim1'));
    const args = take(handle, 7);
    expect(await arbiter.ask('take', args, as('thief'))).toEqual({ kind: 'bad_handle' });
    expect(await arbiter.ask('take', args, as('thief', { mayTakeOver: true }))).toEqual({
      kind: 'bad_handle',
    });
    expect(await arbiter.ask('take', args, as('pim1'))).toMatchObject({ kind: 'granted' });
    const kept = { handle, ack: 0, mailboxAck: 0, frev: -1 };
    expect(await arbiter.ask('keepalive', kept, as('thief'))).toEqual({ kind: 'bad_handle' });
  });

  it('given before identities were turned on belongs to the first identity that shows it', async () => {
    using arbiter = await openArbiter(redis);
    const { handle } = await register(arbiter, undefined);
    const kept = { handle, ack: 0, mailboxAck: 0, frev: -1 };
    expect(await arbiter.ask('keepalive', kept, as('pim1'))).toMatchObject({ kind: 'kept' });
    expect(await arbiter.ask('keepalive', kept, as('pim2'))).toEqual({ kind: 'bad_handle' });
    expect(await arbiter.ask('keepalive', kept, as('pim1'))).toMatchObject({ kind: 'kept' });
  });
});

describe('a registration by another identity', () => {
  it.for(['takeover', 'resumes', 'instance'] as const)(
    'inherits nothing by %s without the right to it',
    async (by) => {
      using arbiter = await openArbiter(redis);
      const own = terms();
      const { handle, session } = await register(arbiter, as('pim1'), own);
      await arbiter.ask('take', take(handle, 7), as('pim1'));
      const tried = {
        ...own,
        secret: 'x'.repeat(22),
        ...(by === 'takeover' && { takeover: true, instance: 'another-instance-0' }),
        ...(by === 'resumes' && { resumes: session, instance: 'another-instance-0' }),
      };
      const expected = by === 'instance' ? 'already_registered' : 'of_another_identity';
      for (const _ of ['once', 'twice']) {
        const reply = await arbiter.ask('register', tried, as('thief'));
        expect(reply.kind).toBe(expected);
      }
      const owner = await arbiter.ask('owner', { interface: on(7) });
      expect(owner).toMatchObject({ kind: 'held', holder: { session } });
    },
  );

  it('inherits with the right to it, and the handle is then its own', async () => {
    using arbiter = await openArbiter(redis);
    const own = terms();
    await register(arbiter, as('pim1'), own);
    const change = { ...own, takeover: true, instance: 'another-instance-0' };
    const { handle } = await register(arbiter, as('sup', { mayTakeOver: true }), change);
    const kept = { handle, ack: 0, mailboxAck: 0, frev: -1 };
    expect(await arbiter.ask('keepalive', kept, as('pim1'))).toEqual({ kind: 'bad_handle' });
    expect(await arbiter.ask('keepalive', kept, as('sup'))).toMatchObject({ kind: 'kept' });
  });
});

it('has at most as many sessions as its quota allows; one that ends makes room', async () => {
  using arbiter = await openArbiter(redis);
  const pim1 = as('pim1', { sessionsMax: 2 });
  const first = await register(arbiter, pim1);
  await register(arbiter, pim1);
  expect(await arbiter.ask('register', terms(), pim1)).toEqual({ kind: 'quota_reached' });
  await register(arbiter, as('pim2', { sessionsMax: 2 }));
  const leave = { handle: first.handle, seq: 1, ack: 1, force: true };
  expect(await arbiter.ask('deregister', leave, pim1)).toMatchObject({ kind: 'deregistered' });
  await register(arbiter, pim1);
  expect(await arbiter.ask('register', terms(), pim1)).toEqual({ kind: 'quota_reached' });
});

describe('the quota of interfaces', () => {
  const pim1 = as('pim1', { interfacesMax: 3 });
  const refused = { kind: 'quota_reached' };

  it('counts the interfaces of all sessions of the identity; a bulk take above it is refused in part', async () => {
    using arbiter = await openArbiter(redis);
    const first = await register(arbiter, pim1);
    const second = await register(arbiter, pim1);
    await arbiter.ask('take', take(first.handle, 1, 2), pim1);
    expect(await arbiter.ask('take', take(second.handle, 3, 4), pim1)).toMatchObject({
      results: [{ kind: 'taken' }, refused],
    });
    const other = await register(arbiter, as('pim2', { interfacesMax: 3 }));
    expect(await arbiter.ask('take', take(other.handle, 4), as('pim2'))).toMatchObject({
      kind: 'granted',
    });
  });

  it.for(['released', 'released by an operator', 'left by an ended session'] as const)(
    'has room again for an interface that was %s',
    async (how) => {
      using arbiter = await openArbiter(redis);
      const first = await register(arbiter, pim1);
      const second = await register(arbiter, pim1);
      const { handle } = first;
      await arbiter.ask('take', take(handle, 1, 2, 3), pim1);
      const by = { actor: 'anna', why: 'a test' };
      const next = { handle, seq: 2, ack: 2 };
      if (how === 'released') {
        await arbiter.ask('release', { ...next, interfaces: [on(1)], epoch: '' }, pim1);
      } else if (how === 'left by an ended session') {
        await arbiter.ask('deregister', { ...next, force: true }, pim1);
      } else {
        const release = { interface: on(1), epoch: '', ...by };
        await arbiter.ask('admin_release', release, as('noc'));
      }
      const ended = how === 'left by an ended session';
      const indexes = ended ? [1, 8, 9, 10] : [9, 10];
      const taken = Array.from({ length: indexes.length - 1 }, () => ({ kind: 'taken' }));
      expect(await arbiter.ask('take', take(second.handle, ...indexes), pim1)).toMatchObject({
        results: [...taken, refused],
      });
    },
  );

  it('moves with a session that another identity takes over, and ends with the last one', async () => {
    using arbiter = await openArbiter(redis);
    const own = terms();
    const { handle } = await register(arbiter, pim1, own);
    await arbiter.ask('take', take(handle, 1, 2, 3), pim1);
    const sup = as('sup', { mayTakeOver: true, interfacesMax: 3 });
    const change = { ...own, takeover: true, instance: 'another-instance-0' };
    const over = await register(arbiter, sup, change);
    expect(await arbiter.ask('take', take(over.handle, 4), sup)).toMatchObject({
      results: [refused],
    });
    const again = await register(arbiter, pim1);
    expect(await arbiter.ask('take', take(again.handle, 5), pim1)).toMatchObject({
      kind: 'granted',
    });
    for (const [one, caller, seq] of [
      [over.handle, sup, 2],
      [again.handle, pim1, 2],
    ] as const) {
      const leave = { handle: one, seq, ack: seq, force: true };
      expect(await arbiter.ask('deregister', leave, caller)).toMatchObject({
        kind: 'deregistered',
      });
    }
    expect(await countsOf(arbiter)).toEqual({});
  });
});

it('executes nothing new while the replies kept for all sessions of the identity exceed its quota', async () => {
  using arbiter = await openArbiter(redis);
  const pim1 = as('pim1', { keptBytesMax: 100 });
  const first = await register(arbiter, pim1);
  const second = await register(arbiter, pim1);
  const many = Array.from({ length: 50 }, (_, at) => at + 1);
  await arbiter.ask('take', take(first.handle, ...many), pim1);
  expect(Number((await countsOf(arbiter))['pim1:kept-bytes'])).toBeGreaterThan(100);
  const tried = take(second.handle, 99);
  expect(await arbiter.ask('take', tried, pim1)).toEqual({ kind: 'window_full' });
  expect(await arbiter.ask('take', tried, as('pim1'))).toMatchObject({ kind: 'granted' });
  const kept = { handle: first.handle, ack: 2, mailboxAck: 0, frev: -1 };
  expect(await arbiter.ask('keepalive', kept, pim1)).toMatchObject({ kind: 'kept' });
  const next = { ...take(second.handle, 98), seq: 2, ack: 2 };
  expect(await arbiter.ask('take', next, pim1)).toMatchObject({ kind: 'granted' });
});

it('refuses single interfaces of a take, and gives a repeat the same reply', async () => {
  using arbiter = await openArbiter(redis);
  const { handle } = await register(arbiter, as('pim1'));
  const args = take(handle, 1, 2, 3);
  const caller = as('pim1', { refusedInterfaces: [1] });
  const reply = await arbiter.ask('take', args, caller);
  expect(reply).toMatchObject({
    kind: 'decided',
    results: [{ kind: 'taken' }, { kind: 'not_permitted' }, { kind: 'taken' }],
  });
  expect(await arbiter.ask('take', args, as('pim1'))).toEqual(reply);
  expect(await arbiter.ask('owner', { interface: on(2) })).toEqual({ kind: 'free' });
});

it('names the caller in events and in the operator log, refused attempts included', async () => {
  using arbiter = await openArbiter(redis);
  const { handle, session } = await register(arbiter, as('pim1'));
  await arbiter.ask('take', take(handle, 7), as('pim1'));
  const by = { actor: 'anna', why: 'maintenance' };
  const release = { interface: on(7), epoch: '', ...by };
  const denied = as('pim2', { isDenied: true });
  expect(await arbiter.ask('admin_release', release, denied)).toEqual({ kind: 'not_permitted' });
  const evict = { session, ...by };
  expect(await arbiter.ask('admin_evict', evict, denied)).toEqual({ kind: 'not_permitted' });
  expect(await arbiter.ask('admin_end_holdoff', by, denied)).toEqual({ kind: 'not_permitted' });
  expect(await arbiter.ask('admin_release', release, as('noc'))).toMatchObject({
    kind: 'released',
  });
  const events = await arbiter.ask('events', { after: 0, limit: 100 });
  if (events.kind !== 'entries') throw new Error(events.kind);
  const told = events.entries.flatMap(({ ts, runs }) => runs.flatMap((run) => eventsOf(run, ts)));
  expect(told.map(({ type, caller }) => [type, caller])).toEqual([
    ['registered', 'pim1'],
    ['taken', 'pim1'],
    ['released', 'noc'],
  ]);
  const log = await arbiter.ask('admin_events', { after: 0, limit: 100 });
  expect(log.entries.map(({ operation, type, caller }) => [operation, type, caller])).toEqual([
    ['admin.release', 'refused', 'pim2'],
    ['admin.evict', 'refused', 'pim2'],
    ['admin.end-holdoff', 'refused', 'pim2'],
    ['admin.release', 'released', 'noc'],
  ]);
});

it('addresses callbacks to the identity of the session', async () => {
  using arbiter = await openArbiter(redis);
  const { handle, session } = await register(arbiter, as('pim1'));
  await arbiter.ask('take', take(handle, 7), as('pim1'));
  const release = { interface: on(7), epoch: '', actor: 'anna', why: 'maintenance' };
  const { batch } = await arbiter.decide('admin_release', release, as('noc'));
  expect(batch.callbacks).toMatchObject([{ session, identity: 'pim1' }]);
});
