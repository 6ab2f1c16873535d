import {
  cutReplication,
  type RunningServer,
  startNatsCluster,
  startRedisCluster,
  startRedisSentinel,
  startTcpProxy,
  type TcpProxy,
} from '@mgm/devstack';
import { beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { WITHIN, Wire } from './wire.ts';

const choice = inject('servers');

/** One Redis command on a connection of its own. */
async function redisSays(server: RunningServer, command: string): Promise<string> {
  using wire = await Wire.open(server);
  // Awaited here, since the connection ends with this block.
  return await wire.ask(command);
}

describe('groups of servers', () => {
  beforeEach((context) =>
    context.skip(
      choice.redis.kind !== 'process' || choice.nats.kind !== 'process',
      'needs servers that are processes',
    ),
  );

  it('fail over to a replica after a kill of the primary, which then becomes a replica', async () => {
    await using redis = await startRedisSentinel(choice, { appendonly: true });
    // Any node: a pause of the machine may have caused a failover.
    const first = await vi.waitFor(async () => {
      const primary = await redis.primary();
      using wire = await Wire.open(primary);
      expect(await wire.ask('SET held 7')).toBe('+OK');
      expect(await wire.ask('WAIT 2 5000')).toBe(':2');
      return primary;
    }, WITHIN);
    await first.kill();
    const next = await vi.waitFor(async () => {
      const primary = await redis.primary();
      expect(primary).not.toBe(first);
      expect(await redisSays(primary, 'SET new 7')).toBe('+OK');
      return primary;
    }, WITHIN);
    expect(await redisSays(next, 'STRLEN held')).toBe(':1');
    await first.start();
    await vi.waitFor(async () => {
      // Queried each time, for the same reason.
      expect(await redisSays(await redis.primary(), 'SET new 7')).toBe('+OK');
      expect(await redisSays(first, 'SET held 8')).toMatch(/^-READONLY/);
      expect(await redisSays(first, 'STRLEN new')).toBe(':1');
    }, WITHIN);
  });

  it('lose the writes of a primary whose replication was cut', async () => {
    await using way = new AsyncDisposableStack();
    let proxy: TcpProxy | undefined;
    await using redis = await startRedisSentinel(choice, {
      password: 's cret/1',
      replicateFrom: async (primary) => {
        proxy = way.use(await startTcpProxy(primary));
        return proxy;
      },
    });
    expect(redis.url).toMatch(/^redis-sentinel:\/\/:s%20cret%2F1@127/);
    const [first] = redis.nodes;
    using wire = await Wire.open(first);
    await wire.ask('AUTH "s cret/1"');
    await wire.ask('SET held 7');
    expect(await wire.ask('WAIT 2 5000')).toBe(':2');
    await proxy?.refuse();
    await wire.ask('SET lost 7');
    expect(await wire.ask('WAIT 1 100')).toBe(':0');
    await first.kill();
    await vi.waitFor(async () => {
      const next = await redis.primary();
      expect(next).not.toBe(first);
      using there = await Wire.open(next);
      await there.ask('AUTH "s cret/1"');
      expect(await there.ask('SET new 7')).toBe('+OK');
      expect(await there.ask('EXISTS held lost')).toBe(':1');
    }, WITHIN);
  });

  it('share the slots of a cluster, and take over the slots of a killed master', async () => {
    await using redis = await startRedisCluster(choice, { replicas: 1 });
    const masters = await Promise.all(['{a}', '{b}', '{c}'].map((key) => redis.masterOf(key)));
    expect(new Set(masters)).toEqual(new Set(redis.nodes.slice(0, 3)));
    const key = '{a}';
    const killed = await redis.masterOf(key);
    using wire = await Wire.open(killed);
    {
      await using _cut = await cutReplication(killed);
      expect(await wire.ask(`SET ${key} 7`)).toBe('+OK');
      expect(await wire.ask('WAIT 1 100')).toBe(':0');
    }
    expect(await wire.ask('WAIT 1 10000')).toBe(':1');
    await killed.kill();
    await vi.waitFor(async () => {
      const next = await redis.masterOf(key);
      expect(redis.nodes.slice(3)).toContain(next);
      expect(await redisSays(next, `INCR ${key}`)).toBe(':8');
    }, WITHIN);
  });

  it('pass messages between NATS servers, also after one was killed', async () => {
    await using nats = await startNatsCluster(choice);
    const [first, second, third] = nats.nodes;
    await first.kill();
    using listener = await Wire.open(second);
    expect(await listener.answer()).toMatch(/^INFO /);
    listener.send('SUB here 1\r\nPING');
    expect(await listener.answer()).toBe('+OK');
    using speaker = await Wire.open(third);
    speaker.send('PUB here 2\r\nhi');
    await vi.waitFor(async () => {
      expect(await listener.answer()).toBe('MSG here 1 2');
    }, WITHIN);
  });
});
