import { startTcpProxy } from '@mgm/devstack';
import { eventually, newRouterName, startManager, startServers } from '@mgm/test-support';
import { encodeMessage } from '@mgm/protocol';
import { connect } from '@mgm/nats';
import { describe, expect, it } from 'vitest';
import { connect as connectClient } from '../src/mod.ts';
import type { EventMessage, Mgm, Session, Sighting, WatchOptions } from '../src/mod.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, igmp, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
/** The items before the first event. */
const BEGUN = ['snapshot', 'synced'];

/** A watch that runs until its block ends, and its items. */
function watching(mgm: Mgm, options: WatchOptions = {}) {
  const controller = new AbortController();
  const seen: Sighting[] = [];
  const done = (async () => {
    for await (const one of mgm.watch({ ...options, signal: controller.signal })) seen.push(one);
  })();
  return {
    seen,
    revs: () => seen.flatMap((one) => (one.kind === 'event' ? [one.event.rev] : [])),
    events: () => seen.flatMap((one) => (one.kind === 'event' ? [one.event] : [])),
    types: () => seen.map((one) => (one.kind === 'event' ? one.event.type : one.kind)),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done;
    },
  };
}

/** Resolves after this many heads. */
async function heads(router: string, count: number): Promise<void> {
  const connection = await connect({ servers: stage.servers.nats.url });
  const beacons = connection.subscribe(`mgm.v1.${router}.head`, { max: count });
  for await (const _ of beacons);
  await connection.close();
}

describe('a watcher', () => {
  it('gets a snapshot, and then each event', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await using watch = watching(mgm);
    await eventually(() => expect(watch.types()).toEqual(BEGUN), MS);
    expect(watch.seen).toMatchObject([
      { reason: 'start', rev: 2, interfaces: [{ ifIndex: 1, session: session.id }] },
      { kind: 'synced', rev: 2 },
    ]);
    await session.takeInterfaceOwnership({ ifIndex: 2 });
    await session.deregister({ force: true });
    const expected = [...BEGUN, 'taken', 'released', 'released', 'deregistered'];
    await eventually(() => expect(watch.types()).toHaveLength(expected.length), MS);
    expect(watch.types().toSorted()).toEqual(expected.toSorted());
  });

  it('gets the first event of an unused router', async () => {
    await using mgm = await stage.client();
    await using watch = watching(mgm);
    await eventually(() => expect(watch.types()).toEqual(BEGUN), MS);
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const types = [...BEGUN, 'registered', 'taken'];
    await eventually(() => expect(watch.types()).toEqual(types), MS);
    // The heads name a log now; that is not a loss of data.
    await heads(mgm.router, 2);
    expect(watch.types()).toEqual(types);
    await session.deregister({ force: true });
  });

  it('gets every event after a revision, once and without gaps', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const refs = Array.from({ length: 600 }, (_, at) => ({ ifIndex: at + 1 }));
    await session.takeInterfaces(refs);
    await using watch = watching(mgm, { from: 0 });
    await session.releaseInterfaces(refs);
    await eventually(() => expect(watch.revs()).toHaveLength(1_201), MS);
    expect(watch.revs()).toEqual(Array.from({ length: 1_201 }, (_, at) => at + 1));
  });

  it('reads events from the log that were pushed while it was cut off', async () => {
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    const router = newRouterName();
    const servers = `nats://${proxy.host}:${proxy.port}`;
    await using cut = await stage.client({ servers, router });
    await using mgm = await stage.client({ router });
    await using session = await mgm.registerProtocol(pim());
    await using watch = watching(cut, { from: 0 });
    await eventually(() => expect(watch.revs()).toEqual([1]), MS);
    proxy.dropReplies();
    for (const ifIndex of [1, 2, 3]) await session.takeInterfaceOwnership({ ifIndex });
    await proxy.heal();
    await session.takeInterfaceOwnership({ ifIndex: 4 });
    await eventually(() => expect(watch.revs()).toEqual([1, 2, 3, 4, 5]), MS);
  });

  it('gets a snapshot when the store has lost its data', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 2_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await using watch = watching(mgm);
    await eventually(() => expect(watch.types()).toEqual(BEGUN), MS);
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await eventually(() => {
      const [first, ...later] = watch.seen.filter((one) => one.kind === 'snapshot');
      expect(later.length).toBeGreaterThan(0);
      expect(first?.reason).toBe('start');
      expect(later.map(({ reason }) => reason)).toEqual(later.map(() => 'store-reset'));
      expect(later.at(-1)?.log).not.toBe(first?.log);
    }, MS);
    const marks = () => watch.types().filter((type) => type === 'snapshot' || type === 'synced');
    await eventually(() => expect(marks().slice(-2)).toEqual(BEGUN), MS);
    await eventually(() => expect(session.ownerships).toHaveLength(1), MS);
    // Taken again before the last snapshot, or reported as an event after it.
    await eventually(() => {
      const last = watch.seen.findLast((one) => one.kind === 'snapshot');
      const isListed = last?.interfaces.some(({ ifIndex }) => ifIndex === 1);
      expect([isListed, watch.types().includes('taken')]).toContain(true);
    }, MS);
  });

  it('that is ended leaves no subscription behind', async () => {
    await using mgm = await stage.client();
    for await (const one of mgm.watch()) {
      expect(one).toMatchObject({ kind: 'snapshot', interfaces: [] });
      break;
    }
    const seen = await Array.fromAsync(mgm.watch({ signal: AbortSignal.abort() }));
    expect(seen).toEqual([]);
  });
});

function interfacesFrom(first: number, count: number): { readonly ifIndex: number }[] {
  return Array.from({ length: count }, (_, at) => ({ ifIndex: first + at }));
}

/** Takes and releases 1 000 interfaces `rounds` times: 2 000 events each. */
async function churn(session: Session, rounds: number, first = 1): Promise<void> {
  const refs = interfacesFrom(first, 1_000);
  for (let round = 0; round < rounds; round++) {
    const taken = await session.takeInterfaces(refs);
    const released = await session.releaseInterfaces(refs);
    expect(new Set([...taken, ...released].map(({ kind }) => kind))).toEqual(
      new Set(['taken', 'released']),
    );
  }
}

/** The holders and epochs of the interfaces after these events. */
function applied(items: Map<number, string>, events: readonly EventMessage[]): Map<number, string> {
  for (const { ifIndex = 0, type, epoch = '' } of events) {
    if (type === 'taken') items.set(ifIndex, epoch);
    if (type === 'released') items.delete(ifIndex);
  }
  return items;
}

describe('the state at the beginning of a watch', () => {
  it('is reported before `synced`, once, if it resumes from a revision', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await churn(session, 1);
    await using watch = watching(mgm, { from: 0 });
    await eventually(() => expect(watch.types()).toContain('synced'), MS);
    expect(watch.seen.findIndex(({ kind }) => kind === 'synced')).toBe(2_001);
    expect(watch.seen[2_001]).toMatchObject({ rev: 2_001 });
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(watch.types().slice(2_001)).toEqual(['synced', 'taken']), MS);
  });

  it('is a snapshot at one revision, although the router changes while it is read', async () => {
    await using mgm = await stage.client();
    // Pages are in the order of the takes: between the pages of the second, the third continues.
    await using early = await mgm.registerProtocol(pim());
    await using steady = await mgm.registerProtocol(pim());
    await using late = await mgm.registerProtocol(pim());
    await steady.takeInterfaces(interfacesFrom(10_000, 3_000));
    await using watch = watching(mgm, { from: 0 });
    const snapshots: (Sighting & { kind: 'snapshot' })[] = [];
    const isDone = () => snapshots.length === 8;
    const goingOn = [early, late].map(async (session, at) => {
      const refs = interfacesFrom(1 + at * 1_000, 100);
      while (!isDone()) {
        await session.takeInterfaces(refs);
        await session.releaseInterfaces(refs);
      }
    });
    while (!isDone()) {
      for await (const one of mgm.watch()) {
        if (one.kind === 'snapshot') snapshots.push(one);
        else break;
      }
    }
    await Promise.all(goingOn);
    const revs = new Set(snapshots.map(({ rev }) => rev));
    expect(revs.size).toBe(8);
    await eventually(
      () => expect(watch.revs().at(-1)).toBeGreaterThanOrEqual(Math.max(...revs)),
      MS,
    );
    for (const { interfaces, rev } of snapshots) {
      const then = applied(new Map(), watch.events().slice(0, rev));
      expect(new Map(interfaces.map(({ ifIndex, epoch }) => [ifIndex, `${epoch}`]))).toEqual(then);
    }
  });

  it('is a snapshot if the revision belongs to a former log', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await using watch = watching(mgm, { from: 1, log: 'of another time' });
    await eventually(() => expect(watch.types()).toEqual(BEGUN), MS);
    expect(watch.seen[0]).toMatchObject({ reason: 'store-reset', rev: 1 });
    expect(session.state).toBe('live');
  });
});

describe('a slow watcher', () => {
  it('misses none of more events than its buffer holds', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const watch = mgm.watch({ from: 0 });
    const revs: number[] = [];
    const read = async (count: number): Promise<void> => {
      while (revs.length < count) {
        const { value } = await watch.next();
        if (value?.kind === 'event') revs.push(value.event.rev);
      }
    };
    await read(1);
    const nats = await connect({ servers: stage.servers.nats.url });
    const pushes = nats.subscribe(`mgm.v1.${mgm.router}.event.>`, { max: 12_000 });
    await nats.flush();
    await churn(session, 6);
    for await (const _ of pushes);
    // A reply arrives after earlier pushes: none is in flight when the watch continues and has room again.
    await mgm.events(12_000);
    const reads = nats.subscribe(`mgm.v1.${mgm.router}.events`);
    await nats.flush();
    await read(12_001);
    await watch.return?.();
    await nats.flush();
    // At most 4 096 were buffered: the others were read from the log in pages of 1 000.
    expect(reads.getReceived()).toBeGreaterThanOrEqual(8);
    await nats.close();
    expect(revs).toEqual(Array.from({ length: 12_001 }, (_, at) => at + 1));
  });

  it('gets a `compacted` snapshot if the log was cut meanwhile', async () => {
    await using servers = await startServers();
    // Names of its own, because servers given by URL are shared with the other tests.
    const [prefix, keys] = [`${newRouterName()}.v1`, newRouterName()];
    const env = { MGM_EVENT_RETENTION: '1000', MGM_PREFIX: prefix, MGM_KEY_PREFIX: keys };
    await using _manager = await startManager(servers, env);
    const router = newRouterName();
    await using mgm = await connectClient({ servers: servers.nats.url, router, prefix });
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 5_000 });
    const refs = Array.from({ length: 100 }, (_, at) => ({ ifIndex: at + 1 }));
    for (let round = 0; round < 30; round++) {
      await session.takeInterfaces(refs);
      await session.releaseInterfaces(refs);
    }
    await using watch = watching(mgm, { from: 0 });
    await eventually(() => expect(watch.types()).toEqual(BEGUN), MS);
    expect(watch.seen).toMatchObject([
      { reason: 'compacted', rev: 6_002, interfaces: [{ ifIndex: 5_000 }] },
      { rev: 6_002 },
    ]);
  });
});

describe('a watcher of', () => {
  it('one interface gets its events, and those of its holders', async () => {
    await using mgm = await stage.client();
    await using other = await mgm.registerProtocol(pim());
    const first = await mgm.registerProtocol(pim({ graceMs: 10_000 }));
    await first.takeInterfaces([
      { ifIndex: 1 },
      { ifIndex: 2 },
      { ifIndex: 2, nextHop: '10.0.0.1' },
    ]);
    await using watch = watching(mgm, { interface: { ifIndex: 2 } });
    await using early = watching(mgm, { interface: { ifIndex: 2 }, from: 0 });
    await using ignorant = watching(mgm, { interface: { ifIndex: 2 }, from: 5 });
    await eventually(() => expect(watch.types()).toEqual(BEGUN), MS);
    expect(watch.seen[0]).toMatchObject({ interfaces: [{ ifIndex: 2, nextHop: '' }] });
    await other.takeInterfaceOwnership({ ifIndex: 3 });
    await first.setInterface({ ifIndex: 2, localMembers: 'advise' });
    const { componentId } = first;
    const heir = await mgm.registerProtocol(pim({ componentId, takeover: true }));
    await mgm.adminEvict({ session: other.id, actor: 'test', why: 'not on 2' });
    await mgm.adminEvict({ session: heir.id, actor: 'test', why: 'on 2' });
    const later = ['interface-set', 'resumed', 'evicted', 'released'];
    await eventually(() => expect(watch.types()).toEqual([...BEGUN, ...later]), MS);
    const seen = () => early.types().filter((type) => type !== 'synced');
    await eventually(() => expect(seen()).toEqual(['taken', ...later]), MS);
    // Its holder since before 5 is unknown: any event of a session may concern it.
    const any = ['synced', 'interface-set', 'resumed', 'evicted', 'evicted', 'released'];
    await eventually(() => expect(ignorant.types()).toEqual(any), MS);
  });

  it('a protocol or a session gets no others', async () => {
    await using mgm = await stage.client();
    await using routing = await mgm.registerProtocol(pim());
    await using group = await mgm.registerProtocol(igmp());
    await routing.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    await group.takeInterfaces([{ ifIndex: 2 }, { ifIndex: 3 }]);
    await using ofIgmp = watching(mgm, { protocolId: group.protocolId });
    await using ofRouting = watching(mgm, { session: routing.id });
    const both = [ofIgmp, ofRouting];
    await eventually(() => expect(both.map((one) => one.types())).toEqual([BEGUN, BEGUN]), MS);
    const listed = both.map(({ seen: [one] }) =>
      one?.kind === 'snapshot' ? one.interfaces.map(({ ifIndex }) => ifIndex).toSorted() : [],
    );
    expect(listed).toEqual([
      [2, 3],
      [1, 2],
    ]);
    await routing.releaseInterfaceOwnership({ ifIndex: 2 });
    await group.releaseInterfaceOwnership({ ifIndex: 2 });
    await routing.takeInterfaceOwnership({ ifIndex: 3 });
    await eventually(() => expect(ofRouting.types().slice(2)).toEqual(['released', 'taken']), MS);
    await eventually(() => expect(ofIgmp.types().slice(2)).toEqual(['igmp-released']), MS);
  });

  it('an invalid interface is refused', async () => {
    await using mgm = await stage.client();
    const seen = Array.fromAsync(mgm.watch({ interface: { ifIndex: 0 } }));
    await expect(seen).rejects.toMatchObject({ reason: 'bad-request', field: 'interface.ifIndex' });
  });
});

describe('a watcher with missing or misleading messages', () => {
  it('reads the log after a period of silence: the last event may be lost', async () => {
    await using scripted = await scriptedLog();
    await eventually(() => expect(scripted.watch.types()).toEqual(BEGUN), MS);
    scripted.log.push({ rev: 6, ts: 1_001, type: 'registered' });
    await eventually(() => expect(scripted.watch.revs()).toEqual([6]), MS);
  });

  it('trusts the log if messages of a former log arrive late', async () => {
    await using scripted = await scriptedLog();
    await eventually(() => expect(scripted.watch.types()).toEqual(BEGUN), MS);
    scripted.log.push({ rev: 6, ts: 1_001, type: 'registered' });
    scripted.publish('event.taken', { rev: 6, ts: 10, type: 'taken' });
    await eventually(() => expect(scripted.watch.types().slice(2)).toEqual(['registered']), MS);
    const reads = () => scripted.manager.of('events').length;
    const before = reads();
    scripted.publish('head', { rev: 100, first: 1, ts: 20, log: 'log-0' });
    await eventually(() => expect(reads()).toBeGreaterThan(before), MS);
    for (let count = 0; count < 100; count++) await scripted.flush();
    expect(reads()).toBeLessThan(before + 5);
    scripted.publish('event.taken', { rev: 99, ts: 9, type: 'taken' });
    scripted.log.push({ rev: 7, ts: 1_002, type: 'deregistered' });
    scripted.publish('event.deregistered', { rev: 7, ts: 1_002, type: 'deregistered' });
    const types = [...BEGUN, 'registered', 'deregistered'];
    await eventually(() => expect(scripted.watch.types()).toEqual(types), MS);
  });
});

/** A watch of a router whose log the test defines; it begins at revision 5. */
async function scriptedLog() {
  const { url } = stage.servers.nats;
  const prefix = `${newRouterName()}.v1`;
  await using scope = new AsyncDisposableStack();
  const manager = scope.use(await scriptedManager(url, prefix));
  const log = [{ rev: 5, ts: 1_000, type: 'store-reset' }];
  manager.script('interfaces', () => ({ items: [], rev: 5, log: 'log-1' }));
  manager.script('events', ({ fields }) => {
    const events = log.filter(({ rev }) => rev > Number(fields['from']));
    return { events, head: log.at(-1)?.rev, first: 5, log: 'log-1' };
  });
  const nats = await connect({ servers: url });
  scope.defer(() => nats.close());
  const mgm = scope.use(await connectClient({ servers: url, router: 'r1', prefix }));
  const watch = scope.use(watching(mgm));
  const owned = scope.move();
  return {
    watch,
    log,
    flush: () => nats.flush(),
    manager,
    publish: (last: string, message: object) =>
      nats.publish(`${prefix}.r1.${last}`, encodeMessage({ ...message })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
