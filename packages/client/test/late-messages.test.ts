import { startTcpProxy } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { errorOf } from './error-of.ts';
import { clientStage, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

/** A session behind a proxy, and a client with a direct connection that observes the manager's state. */
async function behindProxy() {
  const scope = new AsyncDisposableStack();
  const proxy = scope.use(await startTcpProxy({ port: stage.servers.nats.port }));
  const router = newRouterName();
  const servers = `nats://${proxy.host}:${proxy.port}`;
  const watcher = scope.use(await stage.client({ router }));
  const mgm = scope.use(
    await stage.client({ servers, router, timeoutMs: 300, deadlineMs: 15_000 }),
  );
  const session = await mgm.registerProtocol(pim({ ttlMs: 30_000 }));
  return { proxy, session, watcher, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

describe('a lost reply', () => {
  it('is replaced by repeating the request: taken once, with the epoch of the first execution', async () => {
    await using at = await behindProxy();
    const { proxy, session, watcher } = at;
    proxy.dropReplies();
    const take = session.takeInterfaceOwnership({ ifIndex: 7 });
    const holder = await eventually(() => watcher.getProtocolOnInterface({ ifIndex: 7 }), MS);
    await proxy.heal();
    const ownership = await take;
    expect(ownership.epoch).toBe(holder.epoch);
    expect(ownership.isHeld).toBe(true);
    const { events } = await watcher.events(0);
    expect(events.filter(({ type }) => type === 'taken')).toHaveLength(1);
  });

  it('of a release is replaced in the same way', async () => {
    await using at = await behindProxy();
    const { proxy, session, watcher } = at;
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    proxy.dropReplies();
    const release = ownership.release();
    await eventually(async () => {
      expect(await Array.fromAsync(watcher.interfaces())).toEqual([]);
    }, MS);
    await proxy.heal();
    await release;
    const { events } = await watcher.events(0);
    expect(events.filter(({ type }) => type === 'released')).toHaveLength(1);
  });
});

describe('a take whose caller gave up', () => {
  it('owns nothing when its message arrives late', async () => {
    await using at = await behindProxy();
    const { proxy, session, watcher } = at;
    proxy.blackhole('to-server');
    const signal = AbortSignal.timeout(100);
    const error = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }, { signal }));
    expect(error).toMatchObject({ code: 'MGM_ABORTED', outcome: 'unknown' });
    await proxy.heal();
    await using rival = await watcher.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 8 });
    const ownership = await eventually(() => rival.takeInterfaceOwnership({ ifIndex: 7 }), MS);
    expect(ownership.isHeld).toBe(true);
    expect(session.ownerships.map(({ ifIndex }) => ifIndex)).toEqual([8]);
    const mine = await Array.fromAsync(watcher.interfaces({ session: session.id }));
    expect(mine.map(({ ifIndex }) => ifIndex)).toEqual([8]);
  });

  it('owns nothing if it was executed and the reply was lost', async () => {
    await using at = await behindProxy();
    const { proxy, session, watcher } = at;
    proxy.dropReplies();
    const controller = new AbortController();
    const { signal } = controller;
    const take = errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }, { signal }));
    await eventually(() => watcher.getProtocolOnInterface({ ifIndex: 7 }), MS);
    controller.abort();
    expect(await take).toMatchObject({ code: 'MGM_ABORTED', outcome: 'unknown' });
    await proxy.heal();
    await eventually(async () => {
      expect(await Array.fromAsync(watcher.interfaces())).toEqual([]);
    }, MS);
    const again = await session.takeInterfaceOwnership({ ifIndex: 7 });
    expect(again.isHeld).toBe(true);
  });
});

describe('a connection that is reset repeatedly', () => {
  it('fails no call and executes none twice', async () => {
    await using at = await behindProxy();
    const { proxy, session, watcher } = at;
    const taking = Array.from({ length: 200 }, async (_, round) => {
      const ownership = await session.takeInterfaceOwnership({ ifIndex: round + 1 });
      if (round % 20 === 0) proxy.reset();
      await ownership.release();
      return await session.takeInterfaceOwnership({ ifIndex: round + 1 });
    });
    const held = await Promise.all(taking);
    expect(held.every(({ isHeld }) => isHeld)).toBe(true);
    const listed = await Array.fromAsync(watcher.interfaces());
    const epochs = new Map(listed.map(({ ifIndex, epoch }) => [ifIndex, epoch]));
    for (const { ifIndex, epoch } of held) expect(epochs.get(ifIndex)).toBe(epoch);
    const { events } = await watcher.events(0, { limit: 1_000 });
    expect(events.filter(({ type }) => type === 'taken')).toHaveLength(400);
  });
});
