import { startTcpProxy } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { errorOf } from './error-of.ts';
import { clientStage, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

/** Redis restarts without its data. */
async function forgetEverything(): Promise<void> {
  await stage.servers.redis.kill();
  await stage.servers.redis.start();
}

describe('a store that lost its data', () => {
  it('is distinguished from an eviction: the session is registered and its interfaces taken again, under new epochs', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    const before = [
      await session.takeInterfaceOwnership({ ifIndex: 1 }),
      await session.takeInterfaceOwnership({ ifIndex: 2, nextHop: '10.0.0.1' }),
    ];
    const { id } = session;
    const lost = next(session, 'lost');
    const recovered = next(session, 'recovered');
    await forgetEverything();
    expect(await lost).toMatchObject({
      recovering: true,
      interfaces: [{ ifIndex: 1 }, { ifIndex: 2, nextHop: '10.0.0.1' }],
    });
    expect(before.map(({ isHeld }) => isHeld)).toEqual([false, false]);
    const { regained, missing, session: newId } = await recovered;
    expect(missing).toEqual([]);
    expect(newId).toBe(session.id);
    expect(newId).not.toBe(id);
    const after = regained.toSorted((a, b) => a.ifIndex - b.ifIndex);
    expect(after.map(({ ifIndex, nextHop }) => [ifIndex, nextHop])).toEqual([
      [1, ''],
      [2, '10.0.0.1'],
    ]);
    for (const [at, { epoch }] of after.entries()) {
      expect(BigInt(epoch)).toBeGreaterThan(BigInt(before[at]?.epoch ?? 0));
    }
    expect(before.map(({ isHeld }) => isHeld)).toEqual([false, false]);
    expect(session.signal.aborted).toBe(false);
    expect(session.state).toBe('live');
    const another = await session.takeInterfaceOwnership({ ifIndex: 3 });
    expect(another.isHeld).toBe(true);
  });

  it('is recognized by each of several sessions of one client', async () => {
    await using mgm = await stage.client();
    const sessions = await Promise.all(
      [1, 2, 3].map((componentId) =>
        mgm.registerProtocol({ ...pim({ ttlMs: 3_000 }), componentId }),
      ),
    );
    await Promise.all(sessions.map((one, at) => one.takeInterfaceOwnership({ ifIndex: 1 + at })));
    const recovered = sessions.map((one) => next(one, 'recovered'));
    await forgetEverything();
    const all = await Promise.all(recovered);
    expect(all.map(({ regained, missing }) => [regained.length, missing])).toEqual(
      sessions.map(() => [1, []]),
    );
    await Promise.all(sessions.map((one) => one.deregister({ force: true })));
  });

  it('makes a new client wait until no former owner can act on the interface any more', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    await using other = await stage.client({ router });
    await using session = await mgm.registerProtocol(pim({ ttlMs: 1_500, reregister: false }));
    const before = await session.takeInterfaceOwnership({ ifIndex: 1 });
    await forgetEverything();
    const rival = await eventually(() => other.registerProtocol(pim({ name: 'rival' })), MS);
    const taken = await rival.takeInterfaceOwnership({ ifIndex: 1 });
    expect(before.isHeld).toBe(false);
    expect(BigInt(taken.epoch)).toBeGreaterThan(BigInt(before.epoch));
    await rival.deregister({ force: true });
  });

  it('ends a session with `reregister: false`', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim({ ttlMs: 1_000, reregister: false }));
    const { signal } = await session.takeInterfaceOwnership({ ifIndex: 1 });
    const ended = next(session, 'ended');
    await forgetEverything();
    await ended;
    expect([signal.aborted, session.signal.aborted, session.state]).toEqual([true, true, 'over']);
  });
});

describe('a call just after the store lost its data', () => {
  it.each(['take', 'release', 'deregister'] as const)(
    '%s: rejects as session-lost, which is worth repeating, while the session recovers',
    async (operation) => {
      await using mgm = await stage.client();
      await using session = await mgm.registerProtocol(pim({ ttlMs: 30_000 }));
      await session.takeInterfaceOwnership({ ifIndex: 1 });
      const recovered = next(session, 'recovered');
      await forgetEverything();
      const call = {
        take: () => session.takeInterfaceOwnership({ ifIndex: 2 }),
        release: () => session.releaseInterfaceOwnership({ ifIndex: 1 }),
        deregister: () => session.deregister(),
      }[operation];
      expect(await errorOf(call())).toMatchObject({
        code: 'MGM_SESSION_LOST',
        outcome: 'not-done',
        retryable: true,
      });
      await recovered;
      expect(session.state).toBe('live');
    },
  );

  it('deregister by force: the session is over and is not registered again', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim({ ttlMs: 30_000 }));
    const ended = next(session, 'ended');
    await forgetEverything();
    await session.deregister({ force: true }).catch(() => {});
    await ended;
    expect(session.state).toBe('over');
  });
});

// Each behind a proxy of its own.
describe.concurrent('a session whose lease ran out', () => {
  /** A session that lost touch for longer than its lease, with a way to watch it. */
  async function behindProxy(reregister: boolean | 'service-loss') {
    const scope = new AsyncDisposableStack();
    const proxy = scope.use(await startTcpProxy({ port: stage.servers.nats.port }));
    const router = newRouterName();
    const watcher = scope.use(await stage.client({ router }));
    const servers = `nats://${proxy.host}:${proxy.port}`;
    const mgm = scope.use(await stage.client({ servers, router }));
    const session = await mgm.registerProtocol(pim({ ttlMs: 1_500, reregister }));
    return { proxy, session, watcher, [Symbol.asyncDispose]: () => scope.disposeAsync() };
  }

  it('is registered again with `reregister: true`, with the interfaces that are still free', async () => {
    await using at = await behindProxy(true);
    const { proxy, session, watcher } = at;
    await session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    const lost = next(session, 'lost');
    const recovered = next(session, 'recovered');
    await proxy.refuse();
    expect(await lost).toMatchObject({ cause: 'deadline', recovering: true });
    const during = await errorOf(session.takeInterfaceOwnership({ ifIndex: 3 }));
    expect(during).toMatchObject({
      code: 'MGM_SESSION_LOST',
      outcome: 'not-done',
      retryable: true,
    });
    expect(session.state).toBe('recovering');
    await using rival = await watcher.registerProtocol(pim({ name: 'rival' }));
    await eventually(() => rival.takeInterfaceOwnership({ ifIndex: 2 }), MS);
    await proxy.heal();
    const { regained, missing } = await recovered;
    expect(regained.map(({ ifIndex }) => ifIndex)).toEqual([1]);
    expect(missing).toMatchObject([
      { ifIndex: 2, error: { code: 'MGM_ALREADY_OWNED', holder: { name: 'rival' } } },
    ]);
    expect(session.ownerships.map(({ ifIndex }) => ifIndex)).toEqual([1]);
  });

  it('is over without it', async () => {
    await using at = await behindProxy('service-loss');
    const { proxy, session, watcher } = at;
    const ended = next(session, 'ended');
    await proxy.refuse();
    await eventually(async () => expect(await Array.fromAsync(watcher.sessions())).toEqual([]), MS);
    await proxy.heal();
    await ended;
    expect(session.state).toBe('over');
  });

  it('can be ended while it is being registered again', async () => {
    await using at = await behindProxy(true);
    const { proxy, session, watcher } = at;
    const lost = next(session, 'lost');
    await proxy.refuse();
    await lost;
    await session.deregister();
    expect(session.state).toBe('over');
    await proxy.heal();
    await eventually(async () => expect(await Array.fromAsync(watcher.sessions())).toEqual([]), MS);
  });
});

describe('an outage of all managers that outlasts the lease', () => {
  it('costs no interface: the session stops in time, still exists, and continues under new epochs', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    const { epoch, signal } = await session.takeInterfaceOwnership({ ifIndex: 1 });
    await session.takeInterfaceOwnership({ ifIndex: 2 });
    const [lost, recovered] = [next(session, 'lost'), next(session, 'recovered')];
    stage.manager.pause();
    expect(await lost).toMatchObject({ cause: 'deadline', recovering: true });
    expect(signal.aborted).toBe(true);
    stage.manager.resume();
    const { regained, missing } = await recovered;
    expect(missing).toEqual([]);
    expect(regained.map(({ ifIndex }) => ifIndex).toSorted()).toEqual([1, 2]);
    expect(BigInt(regained[0]?.epoch ?? 0)).toBeGreaterThan(BigInt(epoch));
    const holder = await mgm.getProtocolOnInterface({ ifIndex: 1 });
    expect([holder.session, holder.epoch]).toEqual([session.id, regained[0]?.epoch]);
  });

  it('leaves the pair to another instance that took it over meanwhile', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    const servers = `nats://${proxy.host}:${proxy.port}`;
    await using cutOff = await stage.client({ servers, router });
    const pair = pim({ ttlMs: 2_000 });
    const session = await cutOff.registerProtocol(pair);
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const ended = next(session, 'ended');
    await proxy.refuse();
    await using heir = await mgm.registerProtocol({ ...pair, takeover: true });
    await eventually(() => expect(session.state).toBe('recovering'), MS);
    await proxy.heal();
    await ended;
    const holder = await mgm.getProtocolOnInterface({ ifIndex: 1 });
    expect(holder.session).toBe(heir.id);
  });
});
