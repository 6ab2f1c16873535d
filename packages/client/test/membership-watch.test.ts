import { eventually, newRouterName, startManager, startServers } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { connect, type FollowOptions, type MembershipSighting, type Mgm } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const BEGUN = ['snapshot', 'synced'];

/** A watch that runs until its block ends, and its items. */
function watching(mgm: Mgm, options: FollowOptions = {}) {
  const controller = new AbortController();
  const seen: MembershipSighting[] = [];
  const done = (async () => {
    const { signal } = controller;
    for await (const one of mgm.watchMemberships({ ...options, signal })) seen.push(one);
  })();
  /** The memberships as its reader knows them. */
  const known = (): string[] => {
    const now = new Set<string>();
    for (const one of seen) {
      if (one.kind === 'snapshot') now.clear();
      const memberships =
        one.kind === 'snapshot'
          ? one.memberships.map((each) => ({ ...each, type: 'joined' }))
          : one.kind === 'event'
            ? one.event.items.map(([group, , ifIndex]) => ({ ...one.event, group, ifIndex }))
            : [];
      for (const { protocolId, componentId, group, ifIndex, type } of memberships) {
        const text = `${protocolId}/${componentId} ${group} ${ifIndex}`;
        if (type === 'joined') now.add(text);
        else now.delete(text);
      }
    }
    return [...now].toSorted();
  };
  return {
    seen,
    known,
    kinds: () => seen.map((one) => (one.kind === 'event' ? one.event.type : one.kind)),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done;
    },
  };
}

const groups = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({
    ifIndex: 1,
    group: `239.2.${(from + at) >> 8}.${(from + at) & 255}`,
  }));

describe('a watcher of memberships', () => {
  it('gets a snapshot, a mark and then each event, and can resume from the mark', async () => {
    await using mgm = await stage.client();
    const pair = pim();
    await using session = await mgm.registerProtocol(pair);
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const [one, two] = groups(2);
    await session.addGroupMembershipEntries(groups(1));
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(BEGUN), MS);
    const { protocolId, componentId } = pair;
    expect(watch.seen).toMatchObject([
      { reason: 'start', mrev: 1, memberships: [{ ...one, protocolId, componentId }] },
      { kind: 'synced', mrev: 1 },
    ]);
    await session.addGroupMembershipEntry(two ?? { ifIndex: 1 });
    await session.releaseInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(watch.kinds().slice(2, 4)).toEqual(['joined', 'left']), MS);
    await eventually(() => expect(watch.known()).toEqual([]), MS);
    const synced = watch.seen[1];
    const log = synced?.kind === 'synced' ? synced.log : '';
    await using resumed = watching(mgm, { from: 1, log });
    await eventually(() => expect(resumed.kinds().at(-1)).toBe('synced'), MS);
    expect(resumed.kinds()[0]).toBe('joined');
    await using other = watching(mgm, { from: 1, log: 'another' });
    await eventually(() => expect(other.kinds()).toEqual(BEGUN), MS);
    expect(other.seen[0]).toMatchObject({ reason: 'store-reset', memberships: [] });
  });

  it('knows all memberships although they change while it lists them, by bulk and across an inheritance', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const pair = pim();
    const former = await mgm.registerProtocol(pair);
    await former.takeInterfaceOwnership({ ifIndex: 1 });
    await former.addGroupMembershipEntries(groups(2_500));
    const changes = former.addGroupMembershipEntries(groups(500, 2_500));
    await using watch = watching(mgm);
    await changes;
    await former.deleteGroupMembershipEntries(groups(1_000));
    await using heir = await mgm.registerProtocol({ ...pair, takeover: true });
    expect(heir.memberships).toHaveLength(2_000);
    await heir.deleteGroupMembershipEntries(groups(1_000, 1_000));
    const { protocolId, componentId } = pair;
    const expected = groups(1_000, 2_000).map(
      ({ group, ifIndex }) => `${protocolId}/${componentId} ${group} ${ifIndex}`,
    );
    await eventually(() => expect(watch.known()).toEqual(expected.toSorted()), MS);
    let last = 0;
    for (const one of watch.seen) {
      if (one.kind === 'event') expect(one.event.first).toBe(last + 1);
      last = one.kind === 'event' ? one.event.mrev : one.mrev;
    }
  });

  it('gets static memberships in the snapshot and as events', async () => {
    await using mgm = await stage.client();
    const by = { actor: 'operator', why: 'a test' };
    await mgm.adminAddMembership({ ifIndex: 1, group: '239.2.0.0', ...by });
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(BEGUN), MS);
    expect(watch.seen[0]).toMatchObject({
      memberships: [{ group: '239.2.0.0', ifIndex: 1, session: 0, protocolId: 0, componentId: 0 }],
    });
    await mgm.adminAddMembership({ ifIndex: 1, group: '239.2.0.1', ...by });
    await mgm.adminDeleteMembership({ ifIndex: 1, group: '239.2.0.0', ...by });
    await eventually(() => expect(watch.known()).toEqual(['0/0 239.2.0.1 1']), MS);
  });

  it('gets an exclude list that changed while the memberships were listed', async () => {
    await using servers = await startServers();
    await using manager = await scriptedManager(servers.nats.url);
    const named = { protocolId: 10, componentId: 1 };
    const group = '239.2.0.0';
    manager.script('sessions', () => ({ items: [{ session: 77, ...named }] }));
    const page = { mrev: 1, settled: 1, log: 'log-1' };
    manager.script('members', () => ({ items: [[group, '', 1, '', 77, 77]], ...page }));
    const event = {
      ...{ first: 2, mrev: 2, ts: 1, type: 'updated', session: 77, countsFor: 77, ...named },
      ...{ cause: 'member', items: [[group, '', 1, '', ['10.0.0.1']]] },
    };
    manager.script('member.events', ({ fields }) => ({
      events: fields['from'] === 1 ? [event] : [],
      ...{ head: 2, first: 1, log: 'log-1' },
    }));
    await using mgm = await connect({ servers: servers.nats.url, router: 'r1' });
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(BEGUN), MS);
    expect(watch.seen[0]).toMatchObject({ memberships: [{ group, exclude: ['10.0.0.1'] }] });
  });

  it('gets a snapshot when the store has lost its data', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 2_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntries(groups(3));
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(BEGUN), MS);
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await eventually(() => {
      const reasons = watch.seen.flatMap((one) => (one.kind === 'snapshot' ? [one.reason] : []));
      expect(reasons).toEqual(['start', 'store-reset']);
      expect(watch.known()).toHaveLength(3);
    }, MS);
  });

  it('gets a `compacted` snapshot if the log no longer has the next event', async () => {
    await using servers = await startServers();
    // Names of its own, because servers given by URL are shared with the other tests.
    const [prefix, keys] = [`${newRouterName()}.v1`, newRouterName()];
    const env = { MGM_EVENT_RETENTION: '1000', MGM_PREFIX: prefix, MGM_KEY_PREFIX: keys };
    await using _manager = await startManager(servers, env);
    const router = newRouterName();
    await using mgm = await connect({ servers: servers.nats.url, router, prefix });
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    for (let round = 0; round < 10; round++) {
      await session.addGroupMembershipEntries(groups(256));
      await session.deleteGroupMembershipEntries(groups(256));
    }
    await session.addGroupMembershipEntries(groups(1));
    await using watch = watching(mgm, { from: 0 });
    await eventually(() => expect(watch.kinds()).toEqual(BEGUN), MS);
    expect(watch.seen).toMatchObject([
      { reason: 'compacted', mrev: 5_121, memberships: groups(1) },
      { mrev: 5_121 },
    ]);
  });

  it('rejects when the client is closed', async () => {
    const mgm = await stage.client();
    const watch = mgm.watchMemberships();
    await watch.next();
    await watch.next();
    const next = errorOf(watch.next());
    await mgm.close();
    expect(await next).toMatchObject({ reason: 'closed' });
  });
});
