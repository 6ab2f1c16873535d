import { startNats, type RunningServer } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type AlertItem, type Mgm, type Route, type Session } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { refused, scriptedManager, type ScriptedManager } from './scripted-manager.ts';
import { clientStage, next, pim, PIM } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const G = '239.1.1.1';
const S = '10.0.0.1';

const prefixes = (routes: readonly { readonly network: string; readonly length: number }[]) =>
  routes.map(({ network, length }) => `${network}/${length}`).toSorted();
const listed = async (mgm: Mgm) => prefixes(await Array.fromAsync(mgm.routes()));

/** Handlers that record alerts for (s,g). */
function recording() {
  const items: AlertItem[] = [];
  const note = (item: AlertItem): void => void items.push(item);
  const seen = () => items.map(({ type, cause }) => `${type} ${cause}`);
  return { items, seen, handlers: { onJoinAlert: note, onPruneAlert: note } };
}

describe('setRoutes', () => {
  it('sets routes of IPv4 and IPv6 in canonical text, in requests of up to 256', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const many = Array.from({ length: 600 }, (_, at) => ({
      ...{ network: `10.${at >> 8}.${at & 255}.0`, length: 24, ifIndex: 1 },
    }));
    const results = await session.setRoutes([
      { network: 0x0a000000, length: 8, ifIndex: 7, nextHop: '10.9.9.9', neighbour: 0x0a090909 },
      { network: '2001:DB8:0::', length: 32, ifIndex: 8, protocolId: 9, preference: 0 },
      ...many,
    ]);
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(['done']));
    expect(results.at(-1)).toEqual({ kind: 'done', rrev: 602 });
    const expected: Route[] = [
      {
        ...{ network: '10.0.0.0', length: 8, ifIndex: 7, nextHop: '10.9.9.9' },
        ...{ neighbour: '10.9.9.9', protocolId: PIM, preference: 100 },
      } as Route,
      {
        ...{ network: '2001:db8::', length: 32, ifIndex: 8, nextHop: '', neighbour: '' },
        ...{ protocolId: 9, preference: 0 },
      } as Route,
    ];
    expect(session.routes.slice(0, 2)).toEqual(expected);
    const all = await Array.fromAsync(mgm.routes({ limit: 100, session: session.id }));
    expect(all).toHaveLength(602);
    expect(all.at(-1)).toEqual({ ...expected[1], session: session.id, best: true });
  });

  it('decides each element by itself: a wrong one fails with its field, the others are set', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const route = { network: '10.0.0.0', length: 8, ifIndex: 7 };
    const wrong: [object, string][] = [
      [{ network: '10.0.0.1' }, 'network'],
      [{ network: 'ten' }, 'network'],
      [{ length: 33 }, 'length'],
      [{ length: -1 }, 'length'],
      [{ ifIndex: 0 }, 'ifIndex'],
      [{ nextHop: 'x' }, 'nextHop'],
      [{ neighbour: '1.2.3' }, 'neighbour'],
      [{ protocolId: -1 }, 'protocolId'],
      [{ preference: 256 }, 'preference'],
    ];
    const results = await session.setRoutes([
      ...wrong.map(([fields]) => ({ ...route, ...fields })),
      route,
    ]);
    expect(results.pop()).toMatchObject({ kind: 'done' });
    expect(results).toMatchObject(
      wrong.map(([, field]) => ({ kind: 'failed', error: { reason: 'bad-request', field } })),
    );
    expect(await listed(mgm)).toEqual(['10.0.0.0/8']);
    const [failed] = await session.deleteRoutes([{ network: '10.0.0.1', length: 8 }]);
    expect(failed).toMatchObject({ kind: 'failed', error: { field: 'network' } });
  });

  it('keeps the order of calls: what is set again after its deletion is there', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const route = { network: '10.0.0.0', length: 8 };
    const calls = [
      session.setRoutes([{ ...route, ifIndex: 1 }]),
      session.deleteRoutes([route, { network: '11.0.0.0', length: 8 }]),
      session.setRoutes([{ ...route, ifIndex: 2 }]),
      session.setRoutes([{ ...route, ifIndex: 3 }]),
      session.setRoutes([]),
    ];
    expect((await Promise.all(calls)).map((results) => results.map(({ kind }) => kind))).toEqual([
      ['done'],
      ['done', 'done'],
      ['done'],
      ['done'],
      [],
    ]);
    expect(await mgm.resolveRoute(S)).toMatchObject({ ifIndex: 3 });
    expect(session.routes).toMatchObject([{ ...route, ifIndex: 3 }]);
  });
});

describe('resolveRoute', () => {
  it('finds the longest prefix and the owner of its interface, and rejects without a route', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    await session.setRoutes([
      { network: '0.0.0.0', length: 0, ifIndex: 7, neighbour: '10.9.9.9' },
      { network: '10.1.0.0', length: 16, ifIndex: 8, protocolId: 9 },
    ]);
    expect(await mgm.resolveRoute('10.2.0.1')).toMatchObject({
      ...{ network: '0.0.0.0', length: 0, ifIndex: 7, neighbour: '10.9.9.9' },
      owner: { session: session.id },
    });
    expect(await mgm.resolveRoute(0x0a010001)).toEqual({
      ...{ network: '10.1.0.0', length: 16, ifIndex: 8, nextHop: '', neighbour: '' },
      ...{ protocolId: 9, owner: undefined },
    });
    expect(await errorOf(mgm.resolveRoute('2001:db8::1'))).toMatchObject({
      ...{ reason: 'not-found', status: 1168, outcome: 'not-done' },
    });
    expect(await errorOf(mgm.resolveRoute('239.0.0.1'))).toMatchObject({
      ...{ reason: 'bad-request', field: 'source' },
    });
  });
});

describe('routes', () => {
  it('end with their session', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    await session.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 7 }]);
    await session.deregister();
    expect([session.routes, await listed(mgm)]).toEqual([[], []]);
    const lost = { reason: 'session-lost', outcome: 'not-done' };
    expect(await errorOf(session.setRoutes([]))).toMatchObject(lost);
    expect(await errorOf(session.deleteRoutes([]))).toMatchObject(lost);
  });

  it('are inherited by the next session of the pair, which has them on record', async () => {
    await using mgm = await stage.client();
    const pair = pim({ ttlMs: 3_000, graceMs: 30_000 });
    const former = await mgm.registerProtocol(pair);
    await former.setRoutes([
      { network: '10.0.0.0', length: 8, ifIndex: 7, preference: 7 },
      { network: '2001:db8::', length: 32, ifIndex: 8 },
    ]);
    const routes = former.routes;
    former.orphan();
    const heir = await eventually(() => mgm.registerProtocol(pair), MS);
    expect(heir.resumed).toBe(true);
    expect(heir.routes).toEqual(routes);
    await heir.deleteRoutes([{ network: '2001:db8::', length: 32 }]);
    expect(await listed(mgm)).toEqual(['10.0.0.0/8']);
    await heir.deregister({ force: true });
  });

  it('are set again after a store lost its data, before calls made meanwhile and before onResync', async () => {
    await using mgm = await stage.client();
    const resyncs: string[][] = [];
    await using session = await mgm.registerProtocol(
      pim({ ttlMs: 3_000, onResync: async () => void resyncs.push(await listed(mgm)) }),
    );
    const routes = Array.from({ length: 300 }, (_, at) => ({
      ...{ network: `10.${at >> 8}.${at & 255}.0`, length: 24, ifIndex: 1 },
    }));
    await session.setRoutes(routes);
    const lost = next(session, 'lost');
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await lost;
    const meanwhile = [
      session.deleteRoutes([{ network: '10.0.0.0', length: 24 }]),
      session.setRoutes([{ network: '11.0.0.0', length: 8, ifIndex: 2 }]),
    ];
    expect(session.routes).toHaveLength(300);
    expect((await Promise.all(meanwhile)).flat()).toMatchObject([
      { kind: 'done' },
      { kind: 'done' },
    ]);
    await eventually(() => expect(resyncs).toHaveLength(1), MS);
    expect(resyncs[0]).toEqual(expect.arrayContaining(['10.1.43.0/24']));
    const expected = prefixes([...routes.slice(1), { network: '11.0.0.0', length: 8 }]);
    expect(await listed(mgm)).toEqual(expected);
    expect(prefixes(session.routes)).toEqual(expected);
  });

  it('of a resumed session are brought to what is on record', async () => {
    await using mgm = await stage.client();
    const resyncs: unknown[] = [];
    const options = { ttlMs: 3_000, onResync: (resync: unknown) => void resyncs.push(resync) };
    await using session = await mgm.registerProtocol(pim(options));
    await session.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 1 }]);
    stage.manager.pause();
    // Its outcome is unknown when the session is lost: the former session may have set it.
    const cut = await session.setRoutes([{ network: '11.0.0.0', length: 8, ifIndex: 1 }]);
    expect(cut).toMatchObject([
      { kind: 'failed', error: { reason: 'session-lost', outcome: 'unknown' } },
    ]);
    const parked = session.setRoutes([{ network: '12.0.0.0', length: 8, ifIndex: 1 }]);
    stage.manager.resume();
    expect(await parked).toMatchObject([{ kind: 'done' }]);
    await eventually(() => expect(resyncs).toEqual([{ cause: 'recovered' }]), MS);
    expect(await listed(mgm)).toEqual(['10.0.0.0/8', '12.0.0.0/8']);
    expect(prefixes(session.routes)).toEqual(['10.0.0.0/8', '12.0.0.0/8']);
  });
});

describe('an (s,g) that others want', () => {
  /** `upstream` owns the interface towards the source, `downstream` has receivers on another one. */
  async function scene(mgm: Mgm) {
    const before = recording();
    const after = recording();
    const owner = await mgm.registerProtocol(pim(before.handlers));
    const heir = await mgm.registerProtocol(pim(after.handlers));
    const downstream = await mgm.registerProtocol(pim());
    await owner.takeInterfaceOwnership({ ifIndex: 1 });
    await heir.takeInterfaceOwnership({ ifIndex: 2 });
    await downstream.takeInterfaceOwnership({ ifIndex: 3 });
    await downstream.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 1 }]);
    await downstream.addGroupMembershipEntry({ ifIndex: 3, group: G, source: S });
    return { before, after, owner, heir, downstream };
  }

  const notifiedOf = async (session: Session) => {
    const [entry] = await Array.fromAsync(session.groupEnumeration());
    return [entry?.notified, entry?.others];
  };

  it('is alerted to the owner of the incoming interface only, and once more when the route moves', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const { before, after, owner, heir, downstream } = await scene(mgm);
    await eventually(() => expect(before.seen()).toEqual(['JOIN_ALERT member']), MS);
    expect(await notifiedOf(owner)).toEqual([true, true]);
    expect(await notifiedOf(heir)).toEqual([false, true]);
    const [moved] = await downstream.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 2 }]);
    await eventually(() => expect(after.seen()).toEqual(['JOIN_ALERT iif-moved']), MS);
    await eventually(
      () => expect(before.seen()).toEqual(['JOIN_ALERT member', 'PRUNE_ALERT iif-moved']),
      MS,
    );
    expect(before.items.at(-1)).toMatchObject({
      ...{ group: G, source: S, ifIndex: 0, nextHop: '', covered: false, memberDelete: true },
    });
    expect(await notifiedOf(owner)).toEqual([false, true]);
    expect(await notifiedOf(heir)).toEqual([true, true]);
    // After everything that follows from the move, there was exactly one alert for each of them.
    const rrev = moved?.kind === 'done' ? moved.rrev : Infinity;
    for await (const head of mgm.heads()) if ((head.rsettled ?? 0) >= rrev) break;
    await downstream.deleteGroupMembershipEntry({ ifIndex: 3, group: G, source: S });
    await eventually(
      () => expect(after.seen()).toEqual(['JOIN_ALERT iif-moved', 'PRUNE_ALERT member']),
      MS,
    );
    expect(before.seen()).toHaveLength(2);
  });

  it('has no `notified` in the listing of a tool, nor has a (*,g)', async () => {
    await using mgm = await stage.client();
    const { owner, downstream } = await scene(mgm);
    const [entry] = await Array.fromAsync(mgm.groups());
    expect([entry?.source, entry?.others, entry?.notified]).toEqual([S, true, undefined]);
    await downstream.deleteGroupMembershipEntry({ ifIndex: 3, group: G, source: S });
    await downstream.addGroupMembershipEntry({ ifIndex: 3, group: G });
    expect(await notifiedOf(owner)).toEqual([undefined, true]);
  });
});

describe('against a scripted manager', () => {
  let nats: RunningServer;
  beforeAll(async () => {
    nats = await startNats(inject('servers'));
  });
  afterAll(async () => await nats.stop());

  const changed = { count: 1, failed: [], rrev: 9 };
  const routesOf = (manager: ScriptedManager, operation: 'rib.set' | 'rib.delete') =>
    manager.distinct(operation).map(({ fields }) => fields['routes']);

  async function opened() {
    const manager = await scriptedManager(nats.url);
    manager.script('rib.set', () => changed);
    manager.script('rib.delete', () => changed);
    const mgm = await connect({ servers: nats.url, router: 'r1' });
    const session = await mgm.registerProtocol(pim());
    return {
      manager,
      session,
      [Symbol.asyncDispose]: async () => {
        await mgm.close();
        await manager[Symbol.asyncDispose]();
      },
    };
  }

  const ten = { network: '10.0.0.0', length: 8, ifIndex: 1 };
  const eleven = { network: '11.0.0.0', length: 8, ifIndex: 1 };
  const wire = (network: string, ifIndex: number) => [network, 8, ifIndex, '', '', PIM, 100];

  it('calls of one turn share requests, one at a time', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    const first = Promise.withResolvers<(reply: object) => void>();
    manager.script('rib.set', (_, answer) => first.resolve(answer));
    const calls = [session.setRoutes([ten]), session.setRoutes([eleven])];
    const answer = await first.promise;
    calls.push(session.deleteRoutes([ten, eleven]));
    expect(routesOf(manager, 'rib.set')).toEqual([[wire('10.0.0.0', 1), wire('11.0.0.0', 1)]]);
    expect(routesOf(manager, 'rib.delete')).toEqual([]);
    answer({ count: 1, failed: [[1, 1003, 'limit']], rrev: 3 });
    const [one, two, three] = await Promise.all(calls);
    expect(one).toEqual([{ kind: 'done', rrev: 3 }]);
    expect(two).toMatchObject([
      {
        kind: 'failed',
        error: { reason: 'limit', status: 1003, outcome: 'not-done', operation: 'rib.set' },
      },
    ]);
    expect(three).toMatchObject([{ kind: 'done' }, { kind: 'done' }]);
    expect(routesOf(manager, 'rib.delete')).toEqual([
      [
        ['10.0.0.0', 8],
        ['11.0.0.0', 8],
      ],
    ]);
  });

  it('a set that was aborted is undone: what was on record is set again, else deleted', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    await session.setRoutes([ten]);
    const sent = Promise.withResolvers<void>();
    manager.script('rib.set', () => sent.resolve());
    const abort = new AbortController();
    const call = session.setRoutes([{ ...ten, ifIndex: 2 }, eleven], { signal: abort.signal });
    await sent.promise;
    const later = session.setRoutes([{ ...ten, ifIndex: 3 }]);
    manager.script('rib.set', () => changed);
    abort.abort();
    expect(await call).toMatchObject([
      { kind: 'failed', error: { reason: 'aborted', outcome: 'unknown' } },
      { kind: 'failed', error: { reason: 'aborted', outcome: 'unknown' } },
    ]);
    expect(await later).toMatchObject([{ kind: 'done' }]);
    expect(routesOf(manager, 'rib.delete')).toEqual([[['11.0.0.0', 8]]]);
    expect(routesOf(manager, 'rib.set').slice(-2)).toEqual([
      [wire('10.0.0.0', 1)],
      [wire('10.0.0.0', 3)],
    ]);
    const [abandoned] = manager.distinct('rib.set').slice(1);
    const undone = manager.of('rib.delete')[0]?.fields['ack'];
    expect(undone).toBeGreaterThan(Number(abandoned?.fields['seq']));
    expect(session.routes).toMatchObject([{ ...ten, ifIndex: 3 }]);
    const refusedAtOnce = session.setRoutes([ten], { signal: abort.signal });
    expect(await errorOf(refusedAtOnce)).toMatchObject({ reason: 'aborted', outcome: 'not-done' });
  });

  it('a deletion without a reply is continued; one that was refused leaves the route on record', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    await session.setRoutes([ten, eleven]);
    manager.script('rib.delete', () => refused(87, 'bad-request', { field: 'ack' }));
    const [denied] = await session.deleteRoutes([ten]);
    expect(denied).toMatchObject({ kind: 'failed', error: { outcome: 'not-done' } });
    expect(prefixes(session.routes)).toEqual(['10.0.0.0/8', '11.0.0.0/8']);
    manager.script('rib.delete', () => undefined);
    const [cut] = await session.deleteRoutes([ten], { deadlineMs: 300 });
    expect(cut).toMatchObject({ kind: 'failed', error: { reason: 'timeout', outcome: 'unknown' } });
    expect(prefixes(session.routes)).toEqual(['11.0.0.0/8']);
    const seq = Number(manager.of('rib.delete').at(-1)?.fields['seq']);
    manager.script('rib.delete', () => changed);
    await eventually(
      () => expect(manager.of('rib.delete').at(-1)?.fields['ack']).toBeGreaterThan(seq),
      MS,
    );
    manager.script('rib.set', () => undefined);
    const waits = session.setRoutes([ten], { deadlineMs: 50 });
    expect(await waits).toMatchObject([{ kind: 'failed', error: { reason: 'timeout' } }]);
  });

  it('routes that can not be set again are reported and not on record any more', async () => {
    await using scene = await opened();
    const { manager, session } = scene;
    await session.setRoutes([ten, eleven]);
    manager.script('rib.set', () => ({ count: 1, failed: [[0, 1003, 'limit']], rrev: 9 }));
    const lost = next(session, 'routes-lost');
    manager.script('events', () => ({ events: [], head: 0, first: 1, log: 'log-2' }));
    manager.script('interfaces', () => ({ items: [], log: 'log-2' }));
    let isGone = true;
    manager.script('keepalive', () =>
      isGone ? refused(87, 'bad-handle') : { ttlMs: 10_000, mailbox: 0 },
    );
    manager.script('register', () => {
      isGone = false;
      return {
        handle: 'again',
        session: 78,
        ttlMs: 10_000,
        graceMs: 0,
        mailbox: 0,
        resumed: false,
      };
    });
    expect(await lost).toMatchObject({ routes: [ten], error: { reason: 'limit' } });
    expect(prefixes(session.routes)).toEqual(['11.0.0.0/8']);
  });
});
