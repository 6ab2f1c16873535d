import {
  freePort,
  startNats,
  startRedis,
  type RedisOptions,
  type RunningServer,
} from '@mgm/devstack';
import { loadConfig, startManager } from '@mgm/manager';
import { eventually, managerEnv } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { keptLog, Worker, type Env, type LogLine } from './in-process.ts';

const choice = inject('servers');
const isOurs = choice.redis.kind !== 'given';
const WITHIN = { withinMs: 30_000 };

let nats: RunningServer;
beforeAll(async () => {
  nats = await startNats(choice);
});
afterAll(() => nats.stop());

/** How a start on a Redis of this kind ends: with the reason why it was refused, or with what it logged. */
async function startOn(
  options: RedisOptions,
  env: Env,
): Promise<{ why: string; lines: LogLine[] }> {
  await using redis = await startRedis(choice, options);
  const { user } = env;
  const url = user === undefined ? redis.url : redis.url.replace('://', `://${user}:secret@`);
  const { log, lines } = keptLog();
  const { user: _, ...rest } = env;
  const starting = startManager(loadConfig(managerEnv({ redis: { url }, nats }, rest)), { log });
  const why = await starting.then(
    (manager) => manager.stop().then(() => ''),
    (error: unknown) => String(error),
  );
  return { why, lines };
}

const DURABLE = { MGM_DURABILITY: 'durable' };
const ONE_REPLICA = { MGM_DURABILITY: 'replicated', MGM_REPLICAS: '1' };
const LIMITED = ['--user', 'limited', 'on', '>secret', '~*', '&*', '+@all'];

describe.skipIf(!isOurs).concurrent('a start is refused, with advice, on a Redis', () => {
  it.concurrent.for<[string, RedisOptions, Env, string | RegExp]>([
    [
      'that keeps nothing, where durable is asked for',
      { appendonly: false },
      DURABLE,
      'put `appendonly yes` into redis.conf',
    ],
    [
      'that answers before it has synced',
      { appendonly: true, args: ['--appendfsync', 'everysec'] },
      DURABLE,
      'put `appendfsync always` into redis.conf',
    ],
    [
      'that does not sync while it rewrites its file',
      { appendonly: true, args: ['--no-appendfsync-on-rewrite', 'yes'] },
      DURABLE,
      'put `no-appendfsync-on-rewrite no` into redis.conf',
    ],
    [
      'that does not tell how it syncs',
      { appendonly: true, args: [...LIMITED, '-config'] },
      { ...DURABLE, user: 'limited' },
      '+config|get',
    ],
    [
      'that evicts keys',
      { args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] },
      {},
      'put `maxmemory-policy noeviction` into redis.conf',
    ],
    [
      'that lets this user run no functions',
      { args: [...LIMITED, '-fcall'] },
      { user: 'limited' },
      /fcall.*ACL SETUSER/,
    ],
    ['without replicas, after a while', {}, ONE_REPLICA, /needs 1 replicas.*start more/],
  ])('%s', async ([, options, env, must]) => {
    const { why, lines } = await startOn(options, env);
    expect(why).toMatch(must);
    expect(lines.map(({ msg }) => msg)).not.toContain('ready');
  });
});

describe.skipIf(!isOurs).concurrent('a start logs what its durability mode promises', () => {
  it.concurrent.for<[string, RedisOptions, Env, RegExp]>([
    ['memory', {}, {}, /as long as this Redis keeps running/],
    ['durable', { appendonly: true }, DURABLE, /on the disk of Redis/],
  ])('%s', async ([mode, options, env, promise]) => {
    const { why, lines } = await startOn(options, env);
    expect(why).toBe('');
    expect(lines).toContainEqual(
      expect.objectContaining({ durability: mode, msg: expect.stringMatching(promise) }),
    );
  });

  it.concurrent('replicated, when the replica has come', async () => {
    await using redis = await startRedis(choice, { args: ['--repl-diskless-sync-delay', '0'] });
    const { log, lines } = keptLog();
    const config = loadConfig(managerEnv({ redis, nats }, ONE_REPLICA));
    const starting = startManager(config, { log });
    await eventually(() => expect(messages(lines)).toContain('waiting for redis'), WITHIN);
    await using _ = await startReplica(redis);
    await using manager = await starting;
    expect(manager.notReadyBecause).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('in the memory of a replica') }),
    );
  });
});

describe.skipIf(!isOurs).concurrent('while a manager serves', () => {
  it.concurrent(
    'a Redis with weaker persistence that replaces the present one is used only after it is configured',
    async () => {
      // Managers of other tests would answer, too.
      await using nats = await startNats(choice);
      const port = await freePort();
      await using good = await startRedis(choice, { port, appendonly: true });
      const { log, lines } = keptLog();
      await using manager = await startManager(
        loadConfig(managerEnv({ redis: good, nats }, DURABLE)),
        {
          log,
        },
      );
      await using worker = await Worker.connect({ redis: good, nats });
      const { handle } = await worker.register();
      await good.kill();
      {
        await using bad = await startRedis(choice, { port, appendonly: false });
        const needed = expect.stringContaining('put `appendonly yes` into redis.conf');
        await eventually(() => expect(manager.notReadyBecause).toEqual([needed]), WITHIN);
        const take = { handle, seq: 1, ack: 1, ifIndex: 7 };
        expect(await worker.ask('take', take)).toMatchObject({
          status: 1003,
          reason: 'unavailable',
          message: needed,
          retryable: true,
        });
        expect(lines.filter(({ reason }) => String(reason).includes('appendonly'))).toMatchObject([
          { level: 'error', msg: 'redis lost' },
        ]);
        const operator = new Redis(bad.url);
        await operator.config('SET', 'appendonly', 'yes');
        await operator.config('SET', 'appendfsync', 'always');
        await operator.quit();
        await eventually(() => expect(manager.notReadyBecause).toEqual([]), WITHIN);
      }
    },
  );

  it.concurrent('a Redis that is reconfigured to weaker persistence is detected', async () => {
    await using redis = await startRedis(choice, { appendonly: true });
    const { log } = keptLog();
    await using manager = await startManager(loadConfig(managerEnv({ redis, nats }, DURABLE)), {
      log,
    });
    const operator = new Redis(redis.url);
    await operator.config('SET', 'appendfsync', 'no');
    await operator.quit();
    const needed = expect.stringContaining('appendfsync always');
    await eventually(() => expect(manager.notReadyBecause).toEqual([needed]), WITHIN);
  });
});

function messages(lines: readonly LogLine[]): string[] {
  return lines.map(({ msg }) => msg);
}

function startReplica({ peer }: RunningServer): Promise<RunningServer> {
  return startRedis(choice, { args: ['--replicaof', peer.host, String(peer.port)] });
}
