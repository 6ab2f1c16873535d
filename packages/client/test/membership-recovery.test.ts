import { connect as connectNats } from '@mgm/nats';
import { encodeMessage } from '@mgm/protocol';
import { startNats, startTcpProxy, type RunningServer } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type Mgm, type Resync } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { refused, scriptedManager } from './scripted-manager.ts';
import { clientStage, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const G = ['239.0.0.1', '239.0.0.2', '239.0.0.3', '239.0.0.4'] as const;

const groupsOf = (all: readonly { readonly group: string }[]) =>
  all.map(({ group }) => group).toSorted();
const listed = async (mgm: Mgm) => groupsOf(await Array.fromAsync(mgm.members()));

describe('after a store lost its data', () => {
  it('memberships are added again, then calls made meanwhile are sent, then onResync is called', async () => {
    await using mgm = await stage.client();
    const resyncs: [Resync, string[]][] = [];
    await using session = await mgm.registerProtocol(
      pim({
        ttlMs: 3_000,
        onResync: async (resync) => void resyncs.push([resync, await listed(mgm)]),
      }),
    );
    await session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    await session.addGroupMembershipEntries([
      { ifIndex: 1, group: G[0] },
      { ifIndex: 2, group: G[1] },
    ]);
    const lost = next(session, 'lost');
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await lost;
    expect(session.state).toBe('recovering');
    const meanwhile = [
      session.deleteGroupMembershipEntry({ ifIndex: 1, group: G[0] }),
      session.addGroupMembershipEntry({ ifIndex: 1, group: G[2] }),
    ];
    expect(groupsOf(session.memberships)).toEqual([G[0], G[1]]);
    expect((await Promise.all(meanwhile)).map(({ changed }) => changed)).toEqual([true, true]);
    await eventually(() => expect(resyncs).toHaveLength(1), MS);
    expect(resyncs[0]?.[0]).toEqual({ cause: 'recovered' });
    expect(resyncs[0]?.[1]).toEqual(expect.arrayContaining([G[1]]));
    expect(await listed(mgm)).toEqual([G[1], G[2]]);
    expect(groupsOf(session.memberships)).toEqual([G[1], G[2]]);
  });

  it('memberships are gone with `readdMemberships: false`', async () => {
    await using mgm = await stage.client();
    const resyncs: Resync[] = [];
    await using session = await mgm.registerProtocol(
      pim({
        ttlMs: 3_000,
        readdMemberships: false,
        onResync: (resync) => void resyncs.push(resync),
      }),
    );
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await eventually(() => expect(resyncs).toEqual([{ cause: 'recovered' }]), MS);
    expect([session.memberships, await listed(mgm)]).toEqual([[], []]);
  });
});

describe('a session that inherits', () => {
  it('has the memberships of the former one on record, without any alert', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const alerts: string[] = [];
    await using watcher = await mgm.registerProtocol(
      pim({
        windowHoldMs: 0,
        onJoinAlert: ({ group }) => void alerts.push(`join ${group}`),
        onPruneAlert: ({ group }) => void alerts.push(`prune ${group}`),
      }),
    );
    const pair = pim({ ttlMs: 3_000, graceMs: 30_000 });
    const former = await mgm.registerProtocol(pair);
    await former.takeInterfaceOwnership({ ifIndex: 1 });
    await former.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    former.orphan();
    expect(former.memberships).toEqual([]);
    const heir = await eventually(() => mgm.registerProtocol(pair), MS);
    expect(heir.resumed).toBe(true);
    expect(heir.memberships).toEqual([{ ifIndex: 1, nextHop: '', group: G[0], source: '' }]);
    await heir.deleteGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    await eventually(() => expect(alerts).toEqual([`join ${G[0]}`, `prune ${G[0]}`]), MS);
    await heir.deregister({ force: true });
    expect(watcher.state).toBe('live');
  });

  it('by a recovery adds what is missing and deletes what is not on record', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const resyncs: Resync[] = [];
    const pair = pim({ ttlMs: 3_000, onResync: (resync) => void resyncs.push(resync) });
    await using session = await mgm.registerProtocol(pair);
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntries([
      { ifIndex: 1, group: G[0] },
      { ifIndex: 1, group: G[1] },
    ]);
    stage.manager.pause();
    // Its outcome is unknown when the session is lost, and it is not on record: the former session may have added it.
    const cut = session.addGroupMembershipEntry({ ifIndex: 1, group: G[2] });
    expect(await errorOf(cut)).toMatchObject({ reason: 'session-lost', outcome: 'unknown' });
    const parked = session.addGroupMembershipEntry({ ifIndex: 1, group: G[3] });
    stage.manager.resume();
    await parked;
    await eventually(() => expect(resyncs).toEqual([{ cause: 'recovered' }]), MS);
    const expected = [G[0], G[1], G[3]];
    expect(groupsOf(session.memberships)).toEqual(expected);
    await eventually(async () => expect(await listed(mgm)).toEqual(expected), MS);
  });
});

describe('a recovery of a session whose replies were lost', () => {
  it('deletes what was added without a reply', async () => {
    const router = newRouterName();
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    await using mgm = await connect({ servers: `nats://${proxy.host}:${proxy.port}`, router });
    await using observer = await stage.client({ router });
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    proxy.dropReplies();
    const unanswered = errorOf(session.addGroupMembershipEntry({ ifIndex: 1, group: G[1] }));
    await eventually(async () => expect(await listed(observer)).toEqual([G[0], G[1]]), MS);
    expect(await unanswered).toMatchObject({ reason: 'session-lost', outcome: 'unknown' });
    const recovered = next(session, 'recovered');
    await proxy.heal();
    await recovered;
    await eventually(async () => expect(await listed(observer)).toEqual([G[0]]), MS);
    expect(groupsOf(session.memberships)).toEqual([G[0]]);
  });
});

describe('an enumeration', () => {
  it('rejects when its session ends, and when the client is closed', async () => {
    const mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    const other = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntries(G.map((group) => ({ ifIndex: 1, group })));
    const [one, two] = [session.groupEnumeration(), other.groupEnumeration({ limit: 1 })];
    await one.next();
    await two.next();
    await session.deregister({ force: true });
    expect(await errorOf(one.next())).toMatchObject({ reason: 'session-lost' });
    await mgm.close();
    expect(await errorOf(two.next())).toMatchObject({ reason: 'session-lost' });
    const ref = { ifIndex: 1, group: G[0] };
    const lost = { reason: 'session-lost', outcome: 'not-done' };
    expect(await errorOf(session.addGroupMembershipEntry(ref))).toMatchObject(lost);
    expect(await errorOf(session.deleteGroupMembershipEntries([ref]))).toMatchObject(lost);
    expect(await errorOf(session.groupEnumeration().next())).toMatchObject(lost);
    expect(await errorOf(mgm.memberEvents(0))).toMatchObject({ reason: 'closed' });
    expect(await errorOf(mgm.groups().next())).toMatchObject({ reason: 'closed' });
    expect(session.memberships).toEqual([]);
  });
});

describe('against a scripted manager', () => {
  let nats: RunningServer;
  beforeAll(async () => {
    nats = await startNats(inject('servers'));
  });
  afterAll(async () => await nats.stop());

  const added = ({ fields }: { fields: { readonly [name: string]: unknown } }) =>
    Array.isArray(fields['entries'])
      ? { count: fields['entries'].length, failed: [], mrev: 9 }
      : { changed: true, mrev: 9 };

  async function opened(options = {}, limits = {}) {
    const manager = await scriptedManager(nats.url);
    manager.script('member.add', added);
    manager.script('member.delete', added);
    const mgm = await connect({ servers: nats.url, router: 'r1', ...limits });
    const session = await mgm.registerProtocol(pim(options));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    return {
      manager,
      session,
      [Symbol.asyncDispose]: async () => {
        await mgm.close();
        await manager[Symbol.asyncDispose]();
      },
    };
  }

  it('a delete without a reply is continued until it was executed; the membership is not on record', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    const ref = { ifIndex: 1, group: G[0] };
    await session.addGroupMembershipEntry(ref);
    manager.script('member.delete', () => undefined);
    const call = session.deleteGroupMembershipEntry(ref, { deadlineMs: 300 });
    expect(await errorOf(call)).toMatchObject({ reason: 'timeout', outcome: 'unknown' });
    expect(session.memberships).toEqual([]);
    const firstSeq = manager.of('member.delete')[0]?.fields['seq'];
    manager.script('member.delete', () => refused(1168, 'no-membership'));
    await eventually(() => {
      const last = manager.of('member.delete').at(-1);
      expect(last?.fields['seq']).toBeGreaterThan(Number(firstSeq));
      expect(last?.fields['ack']).toBeGreaterThan(Number(firstSeq));
    }, MS);
    const before = manager.distinct('member.delete').length;
    await session.addGroupMembershipEntry(ref);
    expect(manager.distinct('member.delete')).toHaveLength(before);
  });

  it('a delete that is refused as no-membership although the record has it resolves', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    const ref = { ifIndex: 1, group: G[0] };
    await session.addGroupMembershipEntry(ref);
    manager.script('member.delete', () => refused(1168, 'no-membership'));
    expect(await session.deleteGroupMembershipEntry(ref)).toEqual({ changed: false, mrev: 9 });
  });

  it('an add that was aborted is deleted, unless it was on record before', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    const [one, two] = [
      { ifIndex: 1, group: G[0] },
      { ifIndex: 1, group: G[1] },
    ];
    await session.addGroupMembershipEntry(one);
    const sent = Promise.withResolvers<void>();
    manager.script('member.add', () => sent.resolve());
    const abort = new AbortController();
    const calls = [one, two].map((ref) =>
      errorOf(session.addGroupMembershipEntry(ref, { signal: abort.signal })),
    );
    await sent.promise;
    abort.abort();
    expect(await Promise.all(calls)).toMatchObject([
      { reason: 'aborted', outcome: 'unknown' },
      { reason: 'aborted', outcome: 'unknown' },
    ]);
    await eventually(() => {
      const deleted = manager.of('member.delete').map(({ fields }) => fields['group']);
      expect(deleted).toEqual([G[1]]);
    }, MS);
    expect(groupsOf(session.memberships)).toEqual([G[0]]);
  });

  it('a call between DISABLE_IGMP and ENABLE_IGMP follows the re-adds; a refused re-add is reported', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    const disabled = Promise.withResolvers<void>();
    const igmp = { ts: 1, ifIndex: 1, nextHop: '', rev: 1, cause: 'take' };
    manager.push(77, { seq: 1, type: 'DISABLE_IGMP', ...igmp });
    manager.script('keepalive', ({ fields }) => {
      if (fields['mailboxAck'] === 1) disabled.resolve();
      return { ttlMs: 10_000, mailbox: 0 };
    });
    await disabled.promise;
    const call = session.addGroupMembershipEntry({ ifIndex: 1, group: G[1] });
    expect(
      await errorOf(session.addGroupMembershipEntry({ ifIndex: 1 }, { deadlineMs: 50 })),
    ).toMatchObject({ reason: 'timeout', outcome: 'not-done' });
    expect(manager.distinct('member.add')).toHaveLength(1);
    manager.script('member.add', () => ({ count: 1, failed: [[0, 1003, 'limit']], mrev: 9 }));
    const lost = next(session, 'memberships-lost');
    manager.push(77, { seq: 2, type: 'ENABLE_IGMP', ...igmp });
    expect(await lost).toMatchObject({
      interface: { ifIndex: 1, nextHop: '' },
      memberships: [{ group: G[0] }],
      error: { reason: 'limit' },
    });
    await call;
    expect(manager.distinct('member.add').at(-1)?.fields['entries']).toMatchObject([
      [1, '', G[0], '', 1],
      [1, '', G[1], '', 1],
    ]);
    expect(groupsOf(session.memberships)).toEqual([G[1]]);
  });

  it('a call while ENABLE_IGMP is handled follows those that were made before on its interface', async () => {
    const [enabling, mayReturn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using scene = await opened({
      onEnableIgmp: async () => {
        enabling.resolve();
        await mayReturn.promise;
      },
    });
    const { manager, session } = scene;
    const disabled = Promise.withResolvers<void>();
    manager.script('keepalive', ({ fields }) => {
      if (fields['mailboxAck'] === 1) disabled.resolve();
      return { ttlMs: 10_000, mailbox: 0 };
    });
    const igmp = { ts: 1, ifIndex: 1, nextHop: '', rev: 1, cause: 'take' };
    manager.push(77, { seq: 1, type: 'DISABLE_IGMP', ...igmp });
    await disabled.promise;
    const ref = { ifIndex: 1, group: G[0] };
    const add = session.addGroupMembershipEntry(ref);
    manager.push(77, { seq: 2, type: 'ENABLE_IGMP', ...igmp });
    await enabling.promise;
    expect(await session.deleteGroupMembershipEntry(ref)).toMatchObject({ changed: true });
    mayReturn.resolve();
    expect(await add).toMatchObject({ changed: true });
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[1] });
    const changes = manager.received.filter(({ operation }) => operation.startsWith('member.'));
    expect(changes.map(({ operation, fields }) => [operation, fields['group']])).toEqual([
      ['member.add', G[0]],
      ['member.delete', G[0]],
      ['member.add', G[1]],
    ]);
    expect(groupsOf(session.memberships)).toEqual([G[1]]);
  });

  it('a call that is made while a recovery lists what it inherited follows the re-adds', async () => {
    const manager = await scriptedManager(nats.url);
    await using _ = manager;
    const registered = { handle: 'secret', graceMs: 0, mailbox: 0, alerts: [] };
    manager.script('register', () => ({
      ...registered,
      session: 77,
      ttlMs: 1_000,
      resumed: false,
    }));
    manager.script('member.add', added);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    const holder = {
      protocolId: 1,
      componentId: 1,
      session: 78,
      name: '',
      epoch: '2000',
      since: 1,
    };
    const inherited = { ...holder, ifIndex: 1, nextHop: '', stale: false };
    const listing = Promise.withResolvers<(reply: object) => void>();
    manager.script('keepalive', () => undefined);
    manager.script('events', () => ({ events: [], head: 1, first: 1, log: 'log-1' }));
    manager.script('validate', () => ({ valid: true, current: '2000' }));
    manager.script('interfaces', () => ({ items: [inherited], log: 'log-1' }));
    manager.script('members', (_request, answer) => listing.resolve(answer));
    manager.script('register', () => {
      manager.script('keepalive', () => ({ ttlMs: 60_000, mailbox: 0 }));
      return { ...registered, session: 78, ttlMs: 60_000, resumed: true };
    });
    await next(session, 'recovered');
    const answer = await listing.promise;
    const call = session.addGroupMembershipEntry({ ifIndex: 1, group: G[1] });
    // A request that is answered after anything that the call would have sent before it.
    await mgm.validateEpoch({ ifIndex: 1, epoch: '2000' });
    expect(manager.distinct('member.add')).toHaveLength(1);
    answer({ items: [], mrev: 9, settled: 1, log: 'log-1' });
    await call;
    expect(manager.distinct('member.add').at(-1)?.fields['entries']).toMatchObject([
      [1, '', G[0], '', 1],
      [1, '', G[1], '', 1],
    ]);
    expect(groupsOf(session.memberships)).toEqual([G[0], G[1]]);
  });

  it('an add whose interface was lost before its reply is not on record', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    const sent = Promise.withResolvers<(reply: object) => void>();
    manager.script('member.add', (_, answer) => sent.resolve(answer));
    const call = session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    const answer = await sent.promise;
    const lost = { type: 'OWNERSHIP_LOST', ifIndex: 1, nextHop: '', epoch: '1000', cause: 'admin' };
    manager.push(77, { seq: 1, rev: 1, ...lost });
    await eventually(() => {
      expect(manager.of('keepalive').at(-1)?.fields['mailboxAck']).toBe(1);
    }, MS);
    answer({ changed: true, mrev: 9 });
    expect(await call).toMatchObject({ changed: true });
    expect(session.memberships).toEqual([]);
  });

  it('a membership whose delete waits when the window ends is not added again', async () => {
    let open: Promise<unknown>[] = [];
    const handled = Promise.withResolvers<void>();
    await using scene = await opened({
      onEnableIgmp: () => {
        open = [
          scene.session.addGroupMembershipEntry({ ifIndex: 1, group: G[1] }),
          scene.session.deleteGroupMembershipEntry({ ifIndex: 1, group: G[0] }),
        ];
        handled.resolve();
      },
    });
    const { manager, session } = scene;
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    const igmp = { ts: 1, ifIndex: 1, nextHop: '', rev: 1, cause: 'take' };
    manager.push(77, { seq: 1, type: 'DISABLE_IGMP', ...igmp });
    manager.push(77, { seq: 2, type: 'ENABLE_IGMP', ...igmp });
    await handled.promise;
    await Promise.all(open);
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[2] });
    const added = manager.distinct('member.add').map(({ fields }) => fields['group']);
    expect(added).toEqual([G[0], G[1], G[2]]);
    expect(groupsOf(session.memberships)).toEqual([G[1], G[2]]);
  });

  it('a re-add without a reply is given up after ten deadlines and deleted', async () => {
    await using scene = await opened({}, { deadlineMs: 200 });
    const { manager, session } = scene;
    await session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] }, { deadlineMs: 5_000 });
    manager.script('member.add', () => undefined);
    const lost = next(session, 'memberships-lost');
    const igmp = { ts: 1, ifIndex: 1, nextHop: '', rev: 1, cause: 'take' };
    manager.push(77, { seq: 1, type: 'DISABLE_IGMP', ...igmp });
    manager.push(77, { seq: 2, type: 'ENABLE_IGMP', ...igmp });
    expect(await lost).toMatchObject({
      memberships: [{ group: G[0] }],
      error: { reason: 'timeout', outcome: 'unknown' },
    });
    expect(session.memberships).toEqual([]);
    await eventually(() => expect(manager.distinct('member.delete')).toHaveLength(1), MS);
    expect(session.state).toBe('live');
  });

  it('callbacks of unknown types are counted and acknowledged', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    manager.push(77, { seq: 1, type: 'TELEPATHY' });
    await eventually(() => {
      expect(manager.of('keepalive').at(-1)?.fields['mailboxAck']).toBe(1);
    }, MS);
    expect(session.unknownCallbacks).toBe(1);
  });

  it('an operation that no manager listens on, while others are answered, is not supported', async () => {
    const connection = await connectNats({ servers: nats.url });
    await using older = {
      connection,
      [Symbol.asyncDispose]: async () => await connection.close(),
    };
    const answer = (operation: string, reply: object): void => {
      const callback = (_: unknown, message: { respond(data: Uint8Array): boolean }): void =>
        void message.respond(encodeMessage({ status: 0, rev: 1, ...reply }));
      older.connection.subscribe(`mgm.v1.*.${operation}`, { callback });
    };
    answer('register', { handle: 'h', session: 77, ttlMs: 10_000, graceMs: 0, mailbox: 0 });
    answer('take', { epoch: '1' });
    answer('interfaces', { items: [], log: 'log' });
    answer('keepalive', { ttlMs: 10_000, mailbox: 0 });
    await older.connection.flush();
    await using mgm = await connect({ servers: nats.url, router: 'old' });
    const expected = {
      ...{ reason: 'not-supported', code: 'MGM_NOT_SUPPORTED', status: 1003 },
      ...{ outcome: 'not-done', retryable: false },
    };
    expect(await errorOf(mgm.groups().next())).toMatchObject(expected);
    expect(await errorOf(mgm.memberEvents(0))).toMatchObject(expected);
    const session = await mgm.registerProtocol(pim({ onJoinAlert: () => {} }));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const ref = { ifIndex: 1, group: G[0] };
    expect(await errorOf(session.addGroupMembershipEntry(ref))).toMatchObject(expected);
    expect(await errorOf(session.deleteGroupMembershipEntry(ref))).toMatchObject(expected);
    expect(await errorOf(session.groupEnumeration().next())).toMatchObject(expected);
    const route = { network: '10.0.0.0', length: 8, ifIndex: 1 };
    const failed = [{ kind: 'failed', error: expected }];
    expect(await session.setRoutes([route])).toMatchObject(failed);
    expect(await session.deleteRoutes([route])).toMatchObject(failed);
    expect(session.routes).toEqual([]);
    expect(await errorOf(mgm.resolveRoute('10.0.0.1'))).toMatchObject(expected);
    expect(await errorOf(mgm.routes().next())).toMatchObject(expected);
    await older.connection.close();
    // Without any manager it is not known whether the operation is.
    const none = mgm.memberEvents(0, { deadlineMs: 500 });
    expect(await errorOf(none)).toMatchObject({ reason: 'unavailable', retryable: true });
  });
});
