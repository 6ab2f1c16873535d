import { startTcpProxy } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { connect } from 'nats';
import { describe, expect, it } from 'vitest';
import type { Mgm, Sighting, WatchOptions } from '../src/mod.ts';
import { newRouter, pim, stageForAll } from './stage.ts';

const stage = stageForAll();
const MS = { withinMs: 10_000 };

/** A watch that runs until its block ends, and what it saw. */
function watching(mgm: Mgm, options: WatchOptions = {}) {
  const controller = new AbortController();
  const seen: Sighting[] = [];
  const done = (async () => {
    for await (const one of mgm.watch({ ...options, signal: controller.signal })) seen.push(one);
  })();
  return {
    seen,
    revs: () => seen.flatMap((one) => (one.kind === 'event' ? [one.event.rev] : [])),
    types: () => seen.map((one) => (one.kind === 'event' ? one.event.type : one.kind)),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done;
    },
  };
}

/** Resolves after so many beacons. */
async function heads(router: string, count: number): Promise<void> {
  const connection = await connect({ servers: stage.servers.nats.url });
  const beacons = connection.subscribe(`mgm.v1.${router}.head`, { max: count });
  for await (const _ of beacons);
  await connection.close();
}

describe('a watcher', () => {
  it('sees what is there, and then each change', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await using watch = watching(mgm);
    await eventually(() => expect(watch.types()).toEqual(['snapshot']), MS);
    expect(watch.seen[0]).toMatchObject({ interfaces: [{ ifIndex: 1, session: session.id }] });
    await session.takeInterfaceOwnership({ ifIndex: 2 });
    await session.deregister({ force: true });
    const expected = ['snapshot', 'taken', 'released', 'released', 'deregistered'];
    await eventually(() => expect(watch.types()).toHaveLength(expected.length), MS);
    expect(watch.types().toSorted()).toEqual(expected.toSorted());
  });

  it('sees the first change of a router that nobody has used before', async () => {
    await using mgm = await stage.client();
    await using watch = watching(mgm);
    await eventually(() => expect(watch.types()).toEqual(['snapshot']), MS);
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const types = ['snapshot', 'registered', 'taken'];
    await eventually(() => expect(watch.types()).toEqual(types), MS);
    // The beacons tell of a log now, and that is none that was lost.
    await heads(mgm.router, 2);
    expect(watch.types()).toEqual(types);
    await session.deregister({ force: true });
  });

  it('sees everything after a revision, once and without gaps', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const refs = Array.from({ length: 600 }, (_, at) => ({ ifIndex: at + 1 }));
    await session.takeInterfaces(refs);
    await using watch = watching(mgm, { from: 0 });
    await session.releaseInterfaces(refs);
    await eventually(() => expect(watch.revs()).toHaveLength(1_201), MS);
    expect(watch.revs()).toEqual(Array.from({ length: 1_201 }, (_, at) => at + 1));
  });

  it('reads back what was pushed while it was cut off', async () => {
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    const router = newRouter();
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

  it('gets a snapshot when the store has lost its memory', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 2_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    await using watch = watching(mgm);
    await eventually(() => expect(watch.types()).toEqual(['snapshot']), MS);
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await eventually(() => {
      const [first, ...later] = watch.seen.filter((one) => one.kind === 'snapshot');
      expect(later.length).toBeGreaterThan(0);
      expect(later.at(-1)?.log).not.toBe(first?.log);
    }, MS);
    await eventually(() => expect(session.ownerships).toHaveLength(1), MS);
    await eventually(() => expect(watch.types()).toContain('taken'), MS);
  });

  it('that is not interested any more leaves nothing behind', async () => {
    await using mgm = await stage.client();
    for await (const one of mgm.watch()) {
      expect(one).toMatchObject({ kind: 'snapshot', interfaces: [] });
      break;
    }
    const seen = await Array.fromAsync(mgm.watch({ signal: AbortSignal.abort() }));
    expect(seen).toEqual([]);
  });
});
