import {
  freePort,
  type RunningServer,
  type ServerPlan,
  startNats,
  startRedis,
} from '@mgm/devstack';
import { beforeEach, describe, expect, inject, it, type TestContext } from 'vitest';
import { tryConnect, Wire } from './wire.ts';

const choice = inject('servers');

/** One Redis command on a connection of its own. */
async function redisSays(server: RunningServer, command: string): Promise<string> {
  using wire = await Wire.open(server);
  // Awaited here, since the connection ends with this block.
  return await wire.ask(command);
}

/** Skips a test that must manage the server, if it was given by URL. */
const needsOurs = (plan: ServerPlan) => (context: TestContext) =>
  context.skip(
    plan.kind === 'given',
    'needs servers of our own: those given by URL cannot be killed',
  );

describe('a started Redis', () => {
  beforeEach(needsOurs(choice.redis));

  it('serves at its url until it is stopped', async () => {
    const redis = await startRedis(choice);
    expect(redis.url).toBe(`redis://${redis.host}:${redis.port}`);
    expect(redis.source).toBe(choice.source);
    expect(await redisSays(redis, 'PING')).toBe('+PONG');
    await redis.stop();
    expect(await tryConnect(redis)).toBe('ECONNREFUSED');
  });

  it('keeps its port and every acknowledged write across a kill, with appendonly', async () => {
    await using redis = await startRedis(choice, { appendonly: true });
    const { port } = redis;
    expect(await redisSays(redis, 'SET held 7')).toBe('+OK');
    await redis.kill();
    expect(await tryConnect(redis)).toBe('ECONNREFUSED');
    await redis.start();
    expect(redis.port).toBe(port);
    expect(await redisSays(redis, 'STRLEN held')).toBe(':1');
  });

  it('is empty after a kill, without appendonly', async () => {
    await using redis = await startRedis(choice);
    await redisSays(redis, 'SET held 7');
    await redis.kill();
    await redis.start();
    expect(await redisSays(redis, 'STRLEN held')).toBe(':0');
  });

  it('answers nothing while paused, and everything after resume', async () => {
    await using redis = await startRedis(choice);
    using wire = await Wire.open(redis);
    expect(await wire.ask('PING')).toBe('+PONG');
    await redis.pause();
    wire.send('INCR asked');
    expect(await wire.staysSilent(150)).toBe(true);
    await redis.resume();
    expect(await wire.answer()).toBe(':1');
  });

  it('can be killed or stopped while it is paused', async () => {
    const redis = await startRedis(choice);
    await redis.pause();
    await redis.kill();
    await redis.start();
    expect(await redisSays(redis, 'PING')).toBe('+PONG');
    await redis.pause();
    await redis.stop();
    expect(await tryConnect(redis)).toBe('ECONNREFUSED');
  });

  it('does nothing if killed, started or stopped twice', async () => {
    const redis = await startRedis(choice);
    await redis.start();
    expect(await redisSays(redis, 'PING')).toBe('+PONG');
    await redis.kill();
    await redis.kill();
    await redis.stop();
    await redis.stop();
    expect(await tryConnect(redis)).toBe('ECONNREFUSED');
  });

  it('has the requested port, or says that it is taken', async () => {
    const port = await freePort();
    await using redis = await startRedis(choice, { port });
    expect(redis.port).toBe(port);
    const second = startRedis(choice, { port });
    await expect(second).rejects.toMatchObject({ code: 'start-failed' });
    await expect(second).rejects.toThrow(/port( \d+)? is taken/);
  });

  it('gets the given arguments', async () => {
    await using redis = await startRedis(choice, { args: ['--databases', '3'] });
    expect(await redisSays(redis, 'SELECT 2')).toBe('+OK');
    expect(await redisSays(redis, 'SELECT 3')).toMatch(/^-ERR/);
  });

  it('says why it did not start', async () => {
    const refused = startRedis(choice, { args: ['--databases', 'many'] });
    await expect(refused).rejects.toMatchObject({ name: 'DevstackError', code: 'start-failed' });
    await expect(refused).rejects.toThrow(/argument must be|Invalid|integer/i);
  });

  it('returns the output of all its starts', async () => {
    await using redis = await startRedis(choice);
    await redis.kill();
    await redis.start();
    const ready = (await redis.logs()).match(/Ready to accept connections/g);
    expect(ready).toHaveLength(2);
  });

  it('is reachable by a replica at its peer address', async () => {
    await using primary = await startRedis(choice, { args: ['--repl-diskless-sync-delay', '0'] });
    await redisSays(primary, 'SET held 7');
    const { host, port } = primary.peer;
    await using replica = await startRedis(choice, { args: ['--replicaof', host, String(port)] });
    using wire = await Wire.open(primary);
    expect(await wire.ask('WAIT 1 5000')).toBe(':1');
    expect(await redisSays(replica, 'STRLEN held')).toBe(':1');
  });
});

describe('a started NATS server', () => {
  beforeEach(needsOurs(choice.nats));

  it('accepts connections at its url, also after a kill and start', async () => {
    await using nats = await startNats(choice);
    expect(nats.url).toBe(`nats://${nats.host}:${nats.port}`);
    using before = await Wire.open(nats);
    expect(await before.answer()).toMatch(/^INFO /);
    await nats.kill();
    expect(await tryConnect(nats)).toBe('ECONNREFUSED');
    await nats.start();
    using after = await Wire.open(nats);
    expect(await after.answer()).toMatch(/^INFO /);
  });

  it('gets the given arguments', async () => {
    await using nats = await startNats(choice, { args: ['--user', 'pim', '--pass', 'secret'] });
    using wire = await Wire.open(nats);
    expect(await wire.answer()).toContain('"auth_required":true');
  });
});
