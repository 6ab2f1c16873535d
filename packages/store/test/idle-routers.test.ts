import { startRedis, startTcpProxy, type RunningServer } from '@mgm/devstack';
import { routerName, type Request, type RouterName } from '@mgm/protocol';
import { eventually, storedNumber } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openStore, type Store, type StoreOptions } from '../src/store.ts';

let redis: RunningServer;
let direct: Redis;
let owned: AsyncDisposableStack;

beforeEach(async () => {
  owned = new AsyncDisposableStack();
  redis = await startRedis(inject('servers'));
  owned.defer(() => redis.stop());
  direct = owned.adopt(new Redis(redis.url), (one) => one.disconnect());
});
afterEach(() => owned.disposeAsync());

async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const ready = Promise.withResolvers<void>();
  const store = openStore({
    url: redis.url,
    replyWithinMs: 5_000,
    onStateChange: ({ kind }) => kind === 'ready' && ready.resolve(),
    ...options,
  });
  owned.use(store);
  await ready.promise;
  return store;
}

const CLIENT: Request<'register'> = {
  protocolId: 103,
  componentId: 1,
  instance: 'an instance of a test',
  name: '',
  ttlMs: 1_000,
  graceMs: 0,
  takeover: false,
};

async function register(store: Store, router: RouterName, fields = {}) {
  const reply = await store.execute(router, 'register', { ...CLIENT, ...fields });
  if (reply.status !== 0) throw new Error(reply.message);
  return reply;
}

/** Registers a client on each router and ends its session. */
async function useOnce(store: Store, routers: readonly RouterName[]): Promise<void> {
  await Promise.all(
    routers.map(async (router) => {
      const { handle } = await register(store, router);
      await store.execute(router, 'deregister', { handle, seq: 1, ack: 1, force: true });
    }),
  );
}

const named = (count: number) => Array.from({ length: count }, (_, at) => routerName(`idle-${at}`));

async function sweepAll(store: Store): Promise<void> {
  await Promise.all((await store.routers()).map((router) => store.sweep(router)));
}

it('leaves the list when its last session has ended, and is listed again when it is used', async () => {
  const store = await open();
  const routers = named(50);
  await useOnce(store, routers);
  await sweepAll(store);
  await sweepAll(store);
  expect(await store.routers()).toEqual([]);
  const [again] = routers as [RouterName];
  await register(store, again);
  expect(await store.routers()).toEqual([again]);
  expect(await direct.smembers('mgm:routers')).toEqual([again]);
});

it('stays listed although another manager found it idle while this one registered a client', async () => {
  const [store, other] = [await open(), await open()];
  const [router] = named(1) as [RouterName];
  await useOnce(store, [router]);
  await store.sweep(router);
  await register(store, router);
  // The other manager has read the list, swept before the registration and unlists only now.
  await direct.srem('mgm:routers', router);
  expect(await other.routers()).toEqual([]);
  expect(await store.routers()).toEqual([router]);
  expect(await other.routers()).toEqual([router]);
});

it('keeps its data for the retention time and leaves nothing behind after it', async () => {
  const store = await open({ retentionMs: 200 });
  const used = routerName('used');
  await register(store, used, { ttlMs: 300_000 });
  const before = new Set(await direct.keys('*'));
  const routers = named(50);
  await useOnce(store, routers);
  await sweepAll(store);
  await sweepAll(store);
  const [first] = routers as [RouterName];
  expect((await store.head(first)).head.rev).toBe(2);
  // Slot numbers of former memberships would be used again by the next ones.
  await direct.rpush(`mgm:{${first}}:free`, '7');
  await eventually(
    async () => {
      await store.purge();
      const left = (await direct.keys('*')).filter((key) => !before.has(key));
      expect(left.filter((key) => !/:client:\d+$/.test(key))).toEqual([]);
    },
    { withinMs: 30_000 },
  );
  expect(await direct.ttl(`mgm:{${first}}:client:1`)).toBeGreaterThan(0);
  expect((await store.head(used)).sessions).toBe(1);
});

it('starts over after its data was deleted: no lost data, and a record that does not expire', async () => {
  const [store, other] = [await open({ retentionMs: 200 }), await open({ retentionMs: 200 })];
  const [router] = named(1) as [RouterName];
  await useOnce(store, [router]);
  await other.head(router);
  await store.sweep(router);
  await eventually(
    async () => {
      await store.purge();
      expect(await direct.exists(`mgm:{${router}}:meta`)).toBe(0);
    },
    { withinMs: 30_000 },
  );
  const { handle } = await register(other, router);
  const taken = await other.execute(router, 'take', {
    handle,
    seq: 1,
    ack: 1,
    targets: [{ ifIndex: 1, nextHop: '' as never }],
    bulk: false,
  });
  expect(taken).toMatchObject({ status: 0, rev: 2 });
  expect(await direct.ttl(`mgm:{${router}}:client:1`)).toBe(-1);
});

it('is not purged while a session uses it, or soon after it was used', async () => {
  const store = await open({ retentionMs: 60_000 });
  const [router] = named(1) as [RouterName];
  /** Lets more than the retention time pass for the router, and for the list if it is listed as idle. */
  const pass = async (): Promise<unknown> => {
    await direct.call(...storedNumber(`mgm:{${router}}:meta`, 'meta.seenAt', 'add', -61_000));
    return await direct.call('ZADD', 'mgm:idle-routers', 'XX', 'INCR', '-61000', router);
  };
  await useOnce(store, [router]);
  await store.sweep(router);
  expect(await pass()).not.toBeNull();
  await store.head(router);
  await store.purge();
  expect(await direct.exists(`mgm:{${router}}:meta`)).toBe(1);
  await register(store, router, { ttlMs: 60_000 });
  await pass();
  await store.purge();
  expect((await store.head(router)).sessions).toBe(1);
  expect(await direct.zcard('mgm:idle-routers')).toBe(0);
});

it('is refused beyond the limit, unless it has data', async () => {
  const store = await open({ routersMax: 3 });
  const routers = named(4);
  await useOnce(store, routers.slice(0, 3));
  await sweepAll(store);
  await sweepAll(store);
  const [first, , , fourth] = routers as [RouterName, RouterName, RouterName, RouterName];
  await expect(register(store, fourth)).rejects.toMatchObject({ code: 'overloaded' });
  expect(await direct.smembers('mgm:routers')).toEqual([]);
  expect(await direct.keys(`mgm:{${fourth}}*`)).toEqual([]);
  await register(store, first);
});

it('is not swept: of 2 001 routers only the one with a session is listed until its lease ends', async () => {
  const store = await open();
  await useOnce(store, named(2_000));
  await sweepAll(store);
  await sweepAll(store);
  const router = routerName('busy');
  await register(store, router);
  const listed: RouterName[] = [];
  await eventually(
    async () => {
      const routers = await store.routers();
      listed.push(...routers);
      for (const one of routers) await store.sweep(one);
      expect((await store.head(router)).sessions).toBe(0);
    },
    { withinMs: 30_000, everyMs: 250 },
  );
  expect(new Set(listed)).toEqual(new Set([router]));
});

it('a register whose deadline passes while the router is listed is not executed', async () => {
  const { hostname, port } = new URL(redis.url);
  await using proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const store = await open({ url: `redis://${proxy.host}:${proxy.port}` });
  const [router] = named(1) as [RouterName];
  proxy.latencyMs(75);
  const late = register(store, router, { deadlineMs: 200 });
  await expect(late).rejects.toMatchObject({ code: 'unavailable' });
  expect(await direct.exists(`mgm:{${router}}:meta`)).toBe(0);
});
