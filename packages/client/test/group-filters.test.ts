import { eventually, newRouterName } from '@mgm/test-support';
import { startNats, type RunningServer } from '@mgm/devstack';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type LocalAlertItem, type Mgm, type SessionEvents } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { refused, scriptedManager } from './scripted-manager.ts';
import { clientStage, igmp, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const GROUP = '239.1.2.3';
const SSM = '232.1.1.1';
const [ONE, TWO, THREE] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;

/** What the store has, as texts. */
async function stored(mgm: Mgm): Promise<string[]> {
  const all = await Array.fromAsync(mgm.members());
  return all.map(textOf).toSorted();
}

const textOf = (one: { group: string; source: string; exclude?: readonly string[] }) =>
  `${one.source || '*'},${one.group}${one.exclude ? ` without ${one.exclude.join(' ')}` : ''}`;

async function restartRedis(): Promise<void> {
  await stage.servers.redis.kill();
  await stage.servers.redis.start();
}

describe('setGroupFilter', () => {
  it('replaces what the session has of the group, on record and in the store', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const { epoch } = await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.addGroupMembershipEntry({ ifIndex: 1, group: '239.9.9.9' });
    const set = (filter: object) =>
      session.setGroupFilter({ ifIndex: 1, group: GROUP, mode: 'none', ...filter });
    const both = { mode: 'include', sources: [ONE, TWO], epoch } as const;
    expect(await set(both)).toMatchObject({ added: 2, removed: 0, updated: false });
    expect(await set(both)).toMatchObject({ added: 0, removed: 0, updated: false });
    const not = await set({ mode: 'exclude', sources: [THREE] });
    expect(not).toMatchObject({ added: 1, removed: 2, updated: true });
    const kept = '*,239.9.9.9';
    const expected = [`*,${GROUP} without ${THREE}`, kept];
    expect(session.memberships.map(textOf).toSorted()).toEqual(expected);
    expect(await stored(mgm)).toEqual(expected);
    await session.addGroupMembershipEntry({ ifIndex: 1, group: GROUP });
    expect(session.memberships.map(textOf).toSorted()).toEqual(expected);
    expect(await set({})).toMatchObject({ added: 0, removed: 1 });
    expect([session.memberships.map(textOf), await stored(mgm)]).toEqual([[kept], [kept]]);
  });

  it('rejects what violates the contract before anything is sent, and what a manager refuses', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const filter = { ifIndex: 1, group: GROUP, mode: 'exclude' } as const;
    const failing = (fields: object) => errorOf(session.setGroupFilter({ ...filter, ...fields }));
    const bad = { reason: 'bad-request', status: 87, outcome: 'not-done' };
    expect(await failing({ group: '' })).toMatchObject({ ...bad, field: 'group' });
    expect(await failing({ sources: [ONE, ONE] })).toMatchObject({ ...bad, field: 'sources[1]' });
    expect(await failing({ mode: 'none', sources: [ONE] })).toMatchObject({
      ...bad,
      field: 'sources',
    });
    expect(await failing({ group: SSM })).toMatchObject({ reason: 'ssm-needs-source' });
    expect(await failing({ ifIndex: 2 })).toMatchObject({ reason: 'not-found' });
    const other = await failing({ epoch: '1' });
    expect(other).toMatchObject({ reason: 'not-owner', outcome: 'not-done' });
    expect(session.memberships).toEqual([]);
  });

  it('calls onLocalJoin of the owner with the list that IGMP excludes', async () => {
    await using mgm = await stage.client();
    const joins: LocalAlertItem[] = [];
    const onLocalJoin = (item: LocalAlertItem): void => void joins.push(item);
    await using owner = await mgm.registerProtocol(pim({ onLocalJoin }));
    await owner.takeInterfaceOwnership({ ifIndex: 1 });
    await using host = await mgm.registerProtocol(igmp());
    await host.takeInterfaceOwnership({ ifIndex: 1 });
    await host.setGroupFilter({ ifIndex: 1, group: GROUP, mode: 'exclude' });
    await host.setGroupFilter({ ifIndex: 1, group: GROUP, mode: 'exclude', sources: [ONE] });
    await eventually(() => expect(joins).toHaveLength(2), MS);
    expect(joins[0]).not.toHaveProperty('update');
    expect(joins[1]).toMatchObject({
      ...{ type: 'LOCAL_JOIN', group: GROUP, source: '', ifIndex: 1 },
      ...{ update: true, mode: 'exclude', exclude: [ONE] },
    });
  });

  it('is set again after the store lost its data, before calls made meanwhile', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.setGroupFilter({ ifIndex: 1, group: GROUP, mode: 'exclude', sources: [ONE] });
    await session.addGroupMembershipEntry({ ifIndex: 1, group: GROUP, source: TWO });
    await session.setGroupFilter({ ifIndex: 1, group: SSM, mode: 'include', sources: [ONE, TWO] });
    const lost = next(session, 'lost');
    await restartRedis();
    await lost;
    await session.setGroupFilter({ ifIndex: 1, group: SSM, mode: 'include', sources: [THREE] });
    const expected = [`*,${GROUP} without ${ONE}`, `${THREE},${SSM}`, `${TWO},${GROUP}`].toSorted();
    await eventually(async () => expect(await stored(mgm)).toEqual(expected), MS);
    expect(session.memberships.map(textOf).toSorted()).toEqual(expected);
  });

  it('is on record of a session that inherits, and set again where a recovery finds another list', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const resyncs: unknown[] = [];
    const pair = pim({ ttlMs: 3_000, graceMs: 30_000, onResync: (it) => void resyncs.push(it) });
    const former = await mgm.registerProtocol(pair);
    await former.takeInterfaceOwnership({ ifIndex: 1 });
    const filter = { ifIndex: 1, group: GROUP, mode: 'exclude' } as const;
    await former.setGroupFilter({ ...filter, sources: [ONE, TWO] });
    former.orphan();
    await using heir = await eventually(() => mgm.registerProtocol(pair), MS);
    const expected = [`*,${GROUP} without ${ONE} ${TWO}`];
    expect(heir.memberships.map(textOf)).toEqual(expected);
    stage.manager.pause();
    // Its outcome is unknown when the session is lost: the former session may have set it.
    const cut = heir.setGroupFilter({ ...filter, sources: [THREE] });
    expect(await errorOf(cut)).toMatchObject({ reason: 'session-lost', outcome: 'unknown' });
    stage.manager.resume();
    await eventually(() => expect(resyncs).toEqual([{ cause: 'recovered' }]), MS);
    await eventually(async () => expect(await stored(mgm)).toEqual(expected), MS);
    expect(heir.memberships.map(textOf)).toEqual(expected);
  });
});

describe('settings of an interface', () => {
  const settings = async (mgm: Mgm) => {
    const { events } = await mgm.events(0);
    return events
      .filter(({ type }) => type === 'interface-set')
      .map(({ localMembers, wrongIf }) => ({ localMembers, wrongIf }));
  };

  it('are changed by the owner, and reported only where they change', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await using host = await mgm.registerProtocol(igmp());
    const { epoch } = await session.takeInterfaceOwnership({ ifIndex: 1 });
    await host.takeInterfaceOwnership({ ifIndex: 1 });
    const advise = { ifIndex: 1, localMembers: 'advise', epoch } as const;
    expect(await session.setInterface(advise)).toEqual({ changed: true });
    expect(await session.setInterface(advise)).toEqual({ changed: false });
    expect(await errorOf(host.setInterface(advise))).toMatchObject({ reason: 'not-owner' });
    const wrong = session.setInterface({ ifIndex: 2, wrongIf: true });
    expect(await errorOf(wrong)).toMatchObject({ reason: 'not-found', outcome: 'not-done' });
    const bad = session.setInterface({ ...advise, ...{ wrongIf: JSON.parse('1') } });
    expect(await errorOf(bad)).toMatchObject({ reason: 'bad-request', field: 'wrongIf' });
  });

  it('of a take apply from the start: memberships of IGMP count for no client', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await using host = await mgm.registerProtocol(igmp());
    const taken = await Promise.all([
      session.takeInterfaceOwnership({ ifIndex: 1 }, { localMembers: 'advise' }),
      session.takeInterfaceOwnership({ ifIndex: 2 }),
    ]);
    expect(taken.map(({ isHeld }) => isHeld)).toEqual([true, true]);
    const refs = [{ ifIndex: 1 }, { ifIndex: 2 }];
    await host.takeInterfaces(refs, { localMembers: 'advise' });
    await host.addGroupMembershipEntries(refs.map((ref) => ({ ...ref, group: GROUP })));
    const all = await Array.fromAsync(mgm.members());
    expect(all.map(({ countsFor }) => countsFor)).toEqual([0, session.id]);
  });

  it('are set again after the store lost its data', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 1 }, { localMembers: 'advise' });
    await session.takeInterfaceOwnership({ ifIndex: 2 });
    await session.setInterface({ ifIndex: 1, wrongIf: true });
    const lost = next(session, 'recovered');
    await restartRedis();
    await lost;
    const again = { ifIndex: 1, localMembers: 'advise', wrongIf: true } as const;
    expect(await session.setInterface(again)).toEqual({ changed: false });
    const other = { ifIndex: 2, localMembers: 'forward', wrongIf: false } as const;
    expect(await session.setInterface(other)).toEqual({ changed: false });
    expect(await settings(mgm)).toEqual([{ localMembers: undefined, wrongIf: true }]);
  });

  it('are forgotten with the ownership', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.setInterface({ ifIndex: 1, wrongIf: true });
    await ownership.release();
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const recovered = next(session, 'recovered');
    await restartRedis();
    await recovered;
    expect(await session.setInterface({ ifIndex: 1, wrongIf: true })).toEqual({ changed: true });
  });
});

describe('against a scripted manager', () => {
  let nats: RunningServer;
  beforeAll(async () => {
    nats = await startNats(inject('servers'));
  });
  afterAll(async () => await nats.stop());

  it('a filter and settings without a reply are set once more, and are on record then', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const silent = () => undefined;
    manager.script('member.set', silent);
    manager.script('interface.set', silent);
    const soon = { deadlineMs: 300 };
    const filter = { ifIndex: 1, group: GROUP, mode: 'exclude', sources: [ONE] } as const;
    const unknown = { reason: 'timeout', outcome: 'unknown' };
    expect(await errorOf(session.setGroupFilter(filter, soon))).toMatchObject(unknown);
    expect(session.memberships).toEqual([]);
    const first = manager.of('member.set')[0]?.fields['seq'];
    manager.script('member.set', () => refused(8, 'store-full'));
    await eventually(() => {
      const last = manager.of('member.set').at(-1)?.fields;
      expect(last).toMatchObject({ group: GROUP, mode: 'exclude', sources: [ONE] });
      expect(last?.['ack']).toBeGreaterThan(Number(first));
    }, MS);
    expect(session.memberships).toEqual([]);
    manager.script('member.set', () => ({ added: 0, removed: 0, updated: false, mrev: 9 }));
    const expected = [`*,${GROUP} without ${ONE}`];
    await eventually(() => expect(session.memberships.map(textOf)).toEqual(expected), MS);
    const setting = session.setInterface({ ifIndex: 1, wrongIf: true }, soon);
    expect(await errorOf(setting)).toMatchObject(unknown);
    manager.script('interface.set', () => ({ changed: false }));
    const next = session.setInterface({ ifIndex: 1, localMembers: 'advise' });
    expect(await next).toEqual({ changed: false });
    const sent = manager.distinct('interface.set').map(({ fields }) => fields);
    expect(sent.at(-2)).toMatchObject({ wrongIf: true });
    expect(sent.at(-1)).toMatchObject({ localMembers: 'advise' });
    await session.deregister({ force: true }).catch(() => {});
  });

  it('settings that can not be set again are reported to a listener that was registered with the session', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const seen: SessionEvents['settings-lost'][] = [];
    manager.script('interface.set', () => ({ changed: true }));
    const session = await mgm.registerProtocol(
      pim({ keepaliveEveryMs: 100, on: { 'settings-lost': (lost) => seen.push(lost) } }),
    );
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.setInterface({ ifIndex: 1, wrongIf: true });
    manager.script('interface.set', () => refused(1003, 'limit'));
    manager.script('interfaces', () => ({ items: [], log: 'log-2' }));
    let isGone = true;
    manager.script('keepalive', () =>
      isGone ? refused(87, 'bad-handle') : { ttlMs: 10_000, mailbox: 0 },
    );
    const again = { handle: 'again', session: 78, ttlMs: 10_000, graceMs: 0, mailbox: 0 };
    manager.script('register', () => {
      isGone = false;
      return { ...again, resumed: false };
    });
    await next(session, 'settings-lost');
    expect(seen).toMatchObject([
      {
        interface: { ifIndex: 1, nextHop: '' },
        settings: { localMembers: 'forward', wrongIf: true },
        error: { reason: 'limit' },
      },
    ]);
  });
});
