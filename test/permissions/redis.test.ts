import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startNats, startRedis, startRedisCluster } from '@mgm/devstack';
import { parseRequest, routerName, type OperationName } from '@mgm/protocol';
import {
  openStore,
  type Caller,
  type DurabilityMode,
  type Store,
  type StoreOptions,
  type StoreState,
} from '@mgm/store';
import { eventually, newRouterName, startManagers } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { connect } from '@mgm/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { smoke } from '../smoke/smoke.ts';
import { aclFile, aclUsers, needsProcesses, redisCommands } from './documented.ts';

const choice = inject('servers');

/** A library of another release, which a manager deletes when it loads its own. */
const FORMER_LIBRARY = `#!lua name=mgm_0123456789abcdef
redis.register_function('mgm_0123456789abcdef_ask', function() return 1 end)`;

const NO_CLUSTER: unknown = expect.stringContaining('cluster|nodes');

/** The commands that `+command` rules of these lines allow. */
function commandsIn(lines: readonly string[][]): string[] {
  return lines.flat().flatMap((word) => (word.startsWith('+') ? [word.slice(1)] : []));
}

function asManager(url: string): string {
  return url.replace(/^(redis[\w-]*:\/\/)(?:[^@/]*@)?/, '$1manager:manager-secret@');
}

async function permit(admin: Redis, lines: readonly string[][]): Promise<void> {
  for (const [, ...words] of lines) await admin.call('ACL', ...words);
}

/** Resolves when the store can be used, rejects when it never will be. */
async function opened(options: StoreOptions): Promise<Store> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onStateChange = (state: StoreState): void => {
    if (state.kind === 'ready') resolve();
    if (state.kind === 'connecting' && state.unfit === 'misconfigured')
      reject(new Error(state.reason));
  };
  const store = openStore({ ...options, onStateChange });
  try {
    await promise;
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The sender of requests under MGM_IDENTITY=subject. */
const CALLER: Caller = {
  identity: 'pim1',
  mayTakeOver: false,
  sessionsMax: 10,
  interfacesMax: 1000,
  keptBytesMax: 1_000_000,
  refusedInterfaces: [],
  isDenied: false,
};

/** Every operation once, as managers need them: rejects with the first one that is not carried out. */
async function useStore(options: StoreOptions): Promise<void> {
  await using store = await opened(options);
  const router = routerName(newRouterName());
  const ask = async (
    operation: OperationName,
    message: object,
  ): Promise<Record<string, unknown>> => {
    const parsed = parseRequest(operation, message);
    if (parsed.kind !== 'request') throw new Error(`${operation}: ${parsed.message}`);
    const reply: object = await store.execute(router, operation, parsed.request, CALLER);
    expect(reply, operation).toMatchObject({ status: 0 });
    return { ...reply };
  };
  const register = async (protocolId: number) =>
    ask('register', {
      protocolId,
      componentId: 1,
      instance: `instance-${protocolId}-00000000`,
      // No session ends by itself on a busy machine.
      ttlMs: 300_000,
    });
  const { handle: igmp } = await register(10);
  const { handle: pim, session } = await register(103);
  await ask('take', { handle: igmp, seq: 1, ack: 1, ifIndex: 1 });
  const taken = await ask('take', {
    handle: pim,
    seq: 1,
    ack: 1,
    interfaces: [
      [1, ''],
      [2, ''],
      [3, ''],
    ],
  });
  await ask('owner', { ifIndex: 1 });
  await ask('validate', { ifIndex: 2, epoch: (taken['results'] as { epoch: string }[])[1]?.epoch });
  await ask('mailbox', { handle: igmp, from: 0 });
  await ask('keepalive', { handle: igmp, ack: 2, mailboxAck: 2 });
  const group = '239.1.1.1';
  await ask('member.add', { handle: pim, seq: 2, ack: 2, ifIndex: 2, group });
  const entries = [2, 3].map((ifIndex) => [ifIndex, '', '239.1.1.2', '']);
  await ask('member.add', { handle: pim, seq: 3, ack: 3, entries });
  await ask('member.delete', { handle: pim, seq: 4, ack: 4, ifIndex: 2, group: '239.1.1.2' });
  await ask('interface.set', { handle: pim, seq: 41, ack: 1, ifIndex: 2, localMembers: 'advise' });
  const excluded = { group, mode: 'exclude', sources: ['10.0.0.1'] };
  await ask('member.set', { handle: pim, seq: 42, ack: 1, ifIndex: 2, ...excluded });
  await ask('member.set', { handle: pim, seq: 43, ack: 1, ifIndex: 2, ...excluded, sources: [] });
  await ask('groups', { handle: pim });
  await ask('members', {});
  await ask('member.events', { from: 0 });
  const network = ['10.0.0.0', 8];
  await ask('rib.set', { handle: pim, seq: 5, ack: 5, routes: [[...network, 2, '', '', 103]] });
  await ask('rib.resolve', { source: '10.0.0.1' });
  await ask('rib.list', {});
  await ask('flow.new', { handle: pim, flows: [[group, '10.0.0.1', 2, '']] });
  await ask('mfe.get', { group, source: '10.0.0.1' });
  await ask('mfe.list', {});
  await ask('mfe.set', {
    handle: pim,
    seq: 20,
    ack: 1,
    group,
    source: '10.0.0.1',
    upstream: '10.0.0.2',
  });
  await ask('member.add', {
    handle: pim,
    seq: 21,
    ack: 1,
    ifIndex: 2,
    group,
    source: '10.0.0.1',
    flags: 2,
  });
  await ask('fib', { from: 0 });
  await ask('keepalive', { handle: pim, frev: 1 });
  const { mfe } = await ask('mfe.get', { group, source: '10.0.0.1' });
  const { incarnation } = mfe as { readonly incarnation: number };
  const entry = [group, '10.0.0.1', incarnation];
  const counters = [1, 2, 3, 4, 5, 6, 7, 8, [[2, '', 1, 2, 3, 4]]];
  await ask('flow.stats', { handle: pim, items: [[...entry, ...counters]] });
  await ask('mfe.stats', {});
  await ask('flow.wrongif', { handle: pim, items: [[group, '10.0.0.1', 2, '', 1]] });
  await ask('flow.failed', { handle: pim, items: [[...entry, 'full']] });
  await ask('agents', {});
  await ask('rib.delete', { handle: pim, seq: 6, ack: 6, routes: [network] });
  await ask('release', { handle: pim, seq: 7, ack: 7, ifIndex: 2 });
  while ((await store.sweep(router)).more) continue;
  await ask('take', { handle: pim, seq: 8, ack: 8, ifIndex: 2 });
  await ask('member.add', { handle: pim, seq: 9, ack: 9, ifIndex: 2, group });
  const by = { actor: 'test', why: 'test' };
  await ask('admin.interface.set', { ifIndex: 2, maxGroups: 2, lite: true, ...by });
  await ask('admin.member.add', { ifIndex: 2, group, ...by });
  await ask('admin.member.add', { ifIndex: 1, nextHop: '10.0.0.9', group, ...by });
  while ((await store.sweep(router)).more) continue;
  await ask('admin.member.delete', { ifIndex: 2, group, ...by });
  await ask('admin.interface.set', { ifIndex: 2, maxGroups: 0, lite: false, ...by });
  await ask('admin.release', { ifIndex: 3, ...by });
  await ask('interfaces', {});
  await ask('sessions', {});
  await ask('events', { from: 0 });
  await ask('admin.events', { from: 0 });
  await ask('admin.evict', { session, ...by });
  await ask('admin.events', { from: 0 });
  await store.sweep(router);
  await ask('release', { handle: igmp, seq: 2, ack: 2, ifIndex: 1 });
  await ask('deregister', { handle: igmp, seq: 3, ack: 3 });
  await store.head(router);
  await store.id();
  expect(await store.routers()).toContain(router);
  expect(await store.sweep(router)).toMatchObject({ idle: true });
  await store.purge();
}

describe('the Redis user of docs/permissions.md', () => {
  let redis: RunningServer;
  let admin: Redis;
  beforeAll(async () => {
    if (choice.redis.kind !== 'process') return;
    redis = await startRedis(choice, {
      appendonly: true,
      args: ['--repl-diskless-sync-delay', '0'],
    });
    admin = new Redis(redis.url);
  });
  afterAll(async () => {
    if (choice.redis.kind !== 'process') return;
    admin.disconnect();
    await redis.stop();
  });

  it('may run exactly the commands of the arbiter', () => {
    const lua = new URL('../../packages/store/lua/', import.meta.url);
    const sources = readdirSync(lua, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.lua'))
      .map((file) => readFileSync(new URL(file, lua), 'utf8'));
    const called = sources.flatMap((text) =>
      [...text.matchAll(/redis\.p?call\(\s*'(\w+)'/g)].map(([, name = '']) => name.toLowerCase()),
    );
    const lines = redisCommands('replicated', 'identify');
    const outside = new Set([...commandsIn(lines.slice(0, 2)), 'wait']);
    const inside = (names: Iterable<string>): string[] =>
      [...new Set(names)].filter((name) => !outside.has(name)).toSorted();
    expect(inside(commandsIn(lines))).toEqual(inside(called));
  });

  it('is enough for managers in mode durable', async (context) => {
    needsProcesses(context);
    await permit(admin, redisCommands('durable', 'identify'));
    await using nats = await startNats(choice);
    const env = { MGM_DURABILITY: 'durable' };
    await using _managers = await startManagers(
      1,
      { nats, redis: { url: asManager(redis.url) } },
      env,
    );
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const lines: string[] = [];
    await smoke(mgm, (line) => lines.push(line));
    expect(lines).toHaveLength(6);
  });

  /** Whether `use` works without the command, and with it again. */
  async function results(command: string, use: () => Promise<void>): Promise<boolean[]> {
    const works = (): Promise<boolean> =>
      use().then(
        () => true,
        () => false,
      );
    await admin.call('ACL', 'SETUSER', 'manager', `-${command}`);
    const without = await works();
    await admin.call('ACL', 'SETUSER', 'manager', `+${command}`);
    return [without, await works()];
  }

  it.for(commandsIn(redisCommands('durable', 'identify')))(
    'needs +%s',
    async (command, context) => {
      needsProcesses(context);
      await permit(admin, redisCommands('durable', 'identify'));
      const afresh = async (): Promise<void> => {
        await admin.call('FLUSHALL');
        await admin.call('FUNCTION', 'FLUSH');
        await admin.call('FUNCTION', 'LOAD', FORMER_LIBRARY);
        await admin.del('mgm:store-id');
        await useStore({ url: asManager(redis.url), durability: { mode: 'durable' } });
      };
      expect(await results(command, afresh)).toEqual([false, true]);
    },
  );

  it.for(['wait', 'persist'])('needs +%s in mode replicated', async (command, context) => {
    needsProcesses(context);
    await permit(admin, redisCommands('replicated', 'identify'));
    const { hostname, port } = new URL(redis.url);
    await using _replica = await startRedis(choice, { args: ['--replicaof', hostname, port] });
    const durability = { mode: 'replicated', replicas: 1, withinMs: 1000 } as const;
    const options = { url: asManager(redis.url), durability, replyWithinMs: 2000 };
    expect(await results(command, () => useStore(options))).toEqual([false, true]);
  });

  it('needs +cluster|nodes on a Redis Cluster, and nothing else in addition', async (context) => {
    needsProcesses(context);
    await using cluster = await startRedisCluster(choice);
    const admins = cluster.nodes.map(({ url }) => new Redis(url));
    const onAll = async (lines: readonly string[][]): Promise<void> => {
      for (const one of admins) await permit(one, lines);
    };
    await onAll(redisCommands('Cluster', 'identify'));
    await useStore({ url: asManager(cluster.url) });
    await onAll([['ACL', 'SETUSER', 'manager', '-cluster|nodes']]);
    await using store = openStore({ url: asManager(cluster.url) });
    await eventually(
      () => expect(store.state).toMatchObject({ kind: 'connecting', reason: NO_CLUSTER }),
      { withinMs: 30_000 },
    );
    for (const one of admins) one.disconnect();
  });
});

describe('deploy/redis/users.acl', () => {
  const MODES = ['memory', 'durable', 'replicated'] as const satisfies DurabilityMode[];
  const PASSWORD = 'of-this-test';
  let dir: string;
  let args: string[];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mgm-acl-'));
    const file = join(dir, 'users.acl');
    await writeFile(file, aclFile(PASSWORD));
    args = ['--aclfile', file, '--repl-diskless-sync-delay', '0'];
  });
  afterAll(() => rm(dir, { recursive: true }));

  function urlAs(user: string, { url }: RunningServer): string {
    return url.replace('redis://', `redis://${user}:${PASSWORD}@`);
  }

  it.for(MODES)('has the rights of docs/permissions.md for mode %s', (mode) => {
    const words = aclUsers().get(`manager-${mode}`) ?? [];
    const documented = redisCommands(`MGM_DURABILITY=${mode}`, 'identify');
    expect(commandsIn([[...words]]).toSorted()).toEqual(commandsIn(documented).toSorted());
    const other = words.filter((word) => !word.startsWith('+'));
    expect(other).toEqual([
      ...['on', '#SHA256_OF_PASSWORD', 'resetkeys', '~mgm:*', 'resetchannels', '-@all'],
    ]);
  });

  it.for(['memory', 'durable'] as const)('lets managers work in mode %s', async (mode, context) => {
    needsProcesses(context);
    await using server = await startRedis(choice, { appendonly: true, args });
    const options = { url: urlAs(`manager-${mode}`, server), durability: { mode } };
    await expect(useStore(options)).resolves.toBeUndefined();
  });

  it('lets managers and replicas work in mode replicated', async (context) => {
    needsProcesses(context);
    await using server = await startRedis(choice, { args });
    const { hostname, port } = new URL(server.url);
    const login = ['--masteruser', 'replica', '--masterauth', PASSWORD];
    await using _replica = await startRedis(choice, {
      args: [...args, ...login, '--replicaof', hostname, port],
    });
    const durability = { mode: 'replicated', replicas: 1, withinMs: 1000 } as const;
    const url = urlAs('manager-replicated', server);
    const used = useStore({ url, durability, replyWithinMs: 2000 });
    await expect(used).resolves.toBeUndefined();
  });

  it('leaves nothing to a connection without a login, and PING to health checks', async (context) => {
    needsProcesses(context);
    await using server = await startRedis(choice, { args });
    const once = { enableReadyCheck: false, lazyConnect: true, retryStrategy: () => null };
    const errors: string[] = [];
    const stranger = new Redis(server.url, once);
    stranger.on('error', (error: Error) => errors.push(error.message));
    await stranger.connect().catch(() => {});
    await expect(stranger.get('mgm:store-id')).rejects.toThrow(/NOAUTH|closed/);
    expect(errors.join()).toContain('NOAUTH');
    const health = new Redis(server.url, { ...once, username: 'health', password: 'none' });
    await health.connect();
    expect(await health.ping()).toBe('PONG');
    await expect(health.get('mgm:store-id')).rejects.toThrow('NOPERM');
    for (const client of [stranger, health]) client.disconnect();
  });

  it('is refused by Redis until its passwords are set', async (context) => {
    needsProcesses(context);
    const file = join(dir, 'unchanged.acl');
    await writeFile(file, aclFile(PASSWORD).replaceAll(/#[0-9a-f]{64}/g, '#SHA256_OF_PASSWORD'));
    await expect(startRedis(choice, { args: ['--aclfile', file] })).rejects.toThrow(/password/);
  });
});
