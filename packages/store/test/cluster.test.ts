import { routerName, type RouterName } from '@mgm/protocol';
import { type RedisCluster, startRedisCluster } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { metaKey } from '../src/keys.ts';
import { slotOf } from '../src/redis/slots.ts';
import { type Arbiter, on, openArbiter } from './arbiter.ts';
import { nodeSays, startMove } from './slot-move.ts';

const choice = inject('servers');
const ROUTERS = Array.from({ length: 15 }, (_, i) => routerName(`r${i}`));
const SOON = { withinMs: 30_000 };

const isOurs = choice.redis.kind === 'process';

describe('a Redis Cluster', () => {
  let redis: RedisCluster;
  let arbiters: Map<RouterName, Arbiter>;

  beforeEach((context) =>
    context.skip(!isOurs, 'servers that know each other run as processes only'),
  );
  beforeAll(async () => {
    if (!isOurs) return;
    redis = await startRedisCluster(choice, { appendonly: true });
    const opened = ROUTERS.map(async (name) => [name, await openArbiter(redis, name)] as const);
    arbiters = new Map(await Promise.all(opened));
  });
  afterAll(async () => {
    if (!isOurs) return;
    for (const arbiter of arbiters.values()) arbiter[Symbol.dispose]();
    await redis[Symbol.asyncDispose]();
  });

  it('finds the slot of a key as Redis does', async () => {
    const keys = [
      ...ROUTERS.map((router) => metaKey('mgm', router)),
      'mgm:routers',
      '{}a',
      'é{x}y{z}',
    ];
    for (const key of keys) {
      expect(await nodeSays(redis.nodes[0], 'CLUSTER', 'KEYSLOT', key)).toBe(slotOf(key));
    }
  });

  it('spreads routers over all shards', async () => {
    for (const arbiter of arbiters.values()) await arbiter.client();
    const sizes = await Promise.all(redis.nodes.map((node) => nodeSays(node, 'DBSIZE')));
    // Each router has its meta, its clients, its log, its roster, its leases and one client.
    for (const size of sizes) expect(size).toBeGreaterThanOrEqual(6);
    expect(sizes.reduce((sum: number, size) => sum + Number(size), 0)).toBe(6 * ROUTERS.length);
  });

  it('refuses the requests of a router while its slot is being moved, and executes them on its new node', async () => {
    const router = routerName('moved');
    using arbiter = await openArbiter(redis, router);
    const client = await arbiter.client();
    const take = (ifIndex: number) => ({ ...client.next(), interfaces: [on(ifIndex)] });
    expect(await arbiter.ask('take', take(1))).toMatchObject({ kind: 'granted' });
    const [second, third] = [take(2), take(3)];
    const move = await startMove(redis, metaKey('mgm', router));
    // First all of its keys are on the old node, then some are on the new one, then all: a missing key may be on the other node.
    const refused = { code: 'unavailable', message: expect.stringContaining('being moved') };
    await expect(arbiter.ask('take', second)).rejects.toMatchObject(refused);
    await move.keys(3);
    await expect(arbiter.ask('take', second)).rejects.toMatchObject(refused);
    await move.keys();
    await expect(arbiter.ask('take', third)).rejects.toMatchObject(refused);
    await move.finish();
    expect(await arbiter.ask('take', second)).toMatchObject({ kind: 'granted' });
    expect(await arbiter.ask('take', third)).toMatchObject({ kind: 'granted' });
    expect(await arbiter.ask('owner', { interface: on(1) })).toMatchObject({ kind: 'held' });
  });

  it('changes nothing of a router that is being moved, also where a key is written without being read first', async () => {
    using arbiter = await openArbiter(redis, routerName('half'));
    const client = await arbiter.client();
    await arbiter.ask('take', { ...client.next(), interfaces: [on(1)] });
    const meta = metaKey('mgm', arbiter.router);
    const move = await startMove(redis, meta);
    const before = await nodeSays(move.from, 'HGETALL', meta);
    // A mailbox is deleted with its client; this client has none.
    const leave = { ...client.next(), force: true };
    await expect(arbiter.ask('deregister', leave)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await nodeSays(move.from, 'HGETALL', meta)).toEqual(before);
    await move.keys();
    await move.finish();
    expect(await arbiter.ask('deregister', leave)).toMatchObject({ kind: 'deregistered' });
  });

  it('loses no take and does none twice while a slot moves under load', async () => {
    const router = routerName('loaded');
    using arbiter = await openArbiter(redis, router);
    // Longer than the moves take on a busy machine.
    const client = await arbiter.client({ ttlMs: 300_000 });
    const epochs: number[] = [];
    let refusals = 0;
    let ended = false;
    const load = (async () => {
      for (let ifIndex = 1; !ended || ifIndex <= 50; ifIndex++) {
        const call = { ...client.next(), interfaces: [on(ifIndex)] };
        const reply = await eventually(
          () =>
            arbiter.ask('take', call).catch((error: unknown) => {
              refusals++;
              throw error;
            }),
          { ...SOON, everyMs: 2 },
        );
        if (reply.kind !== 'granted') throw new Error(reply.kind);
        epochs.push(Number(reply.epoch));
      }
    })();
    for (let moves = 0; moves < 4; moves++) {
      const move = await startMove(redis, metaKey('mgm', router));
      for (let steps = 0; steps < 5; steps++) await move.keys(10);
      await move.keys();
      await move.finish();
    }
    ended = true;
    await load;
    expect(refusals).toBeGreaterThan(0);
    expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    const head = await arbiter.decide('head', {});
    expect(head.rev).toBe(1 + epochs.length);
  });

  it('serves the routers of the other shards while one is gone', async () => {
    const [first] = [...arbiters.values()];
    if (first === undefined) throw new Error('no router');
    const gone = await redis.masterOf(metaKey('mgm', first.router));
    const shards = new Map<RouterName, unknown>();
    for (const router of ROUTERS) shards.set(router, await redis.masterOf(metaKey('mgm', router)));
    await gone.kill();
    for (let rounds = 0; rounds < 5; rounds++) {
      for (const arbiter of arbiters.values()) {
        const asked = arbiter.ask('sweep', { most: 1, mostEntries: 1, servingMs: 1_000 });
        if (shards.get(arbiter.router) !== gone)
          expect(await asked).toMatchObject({ kind: 'swept' });
        else await expect(asked).rejects.toHaveProperty('code');
      }
    }
    expect(first.link.state).toMatchObject({
      kind: 'ready',
      missing: expect.stringMatching(`127.0.0.1:${gone.port}|slots are served by no node`),
    });
    await gone.start();
    await eventually(async () => {
      expect(await first.ask('sweep', { most: 1, mostEntries: 1, servingMs: 1_000 })).toMatchObject(
        {
          kind: 'swept',
        },
      );
      expect(first.link.state).not.toHaveProperty('missing');
    }, SOON);
  });
});
