import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from './config-error.ts';
import { loadConfig, loggable } from './config.ts';
import { configTable, variables } from './variables.ts';

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const folder = mkdtempSync(join(tmpdir(), 'mgm-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const path = join(folder, `secret-${text.length}`);
  writeFileSync(path, text);
  return path;
}

describe('credentials for Redis', () => {
  it('are refused where the URL has no use for them', () => {
    const env = { MGM_REDIS_CA: '/ca.pem', MGM_REDIS_SENTINEL_PASSWORD: 'hush' };
    expect(problemsOf(env)).toEqual([
      'MGM_REDIS_CA=/ca.pem: must be left out unless MGM_REDIS_URL is rediss, rediss-sentinel or rediss-cluster',
      'MGM_REDIS_SENTINEL_PASSWORD: must be left out unless MGM_REDIS_URL names sentinels',
    ]);
  });

  it('are read from a file, and not shown', () => {
    const config = loadConfig({
      MGM_REDIS_URL: 'redis-sentinel://a#mgm',
      MGM_REDIS_SENTINEL_PASSWORD_FILE: fileWith('hush\n'),
    });
    expect(config.redisSentinelPassword).toBe('hush');
    expect(JSON.stringify(loggable(config))).not.toContain('hush');
  });
});

describe('a complete configuration', () => {
  it('is what an empty environment gives', () => {
    expect(loadConfig({ PATH: '/bin' })).toMatchObject({
      natsUrl: 'nats://127.0.0.1:4222',
      redisUrl: 'redis://127.0.0.1:6379',
      prefix: 'mgm.v1',
      keyPrefix: 'mgm',
      routers: [],
      logLevel: 'info',
      batchMax: 256,
      queueMax: 10_000,
      storeTimeoutMs: 300,
      durability: { mode: 'memory' },
      sweepEveryMs: 250,
      headEveryMs: 1000,
      eventRetention: 100_000,
      healthPort: 0,
      healthHost: '127.0.0.1',
      shutdownMs: 4000,
    });
  });

  it('has the number of replicas in mode replicated only', () => {
    expect(loadConfig({ MGM_DURABILITY: 'durable', MGM_REPLICAS: '2' })).toMatchObject({
      durability: { mode: 'durable' },
    });
    expect(loadConfig({ MGM_DURABILITY: 'replicated' })).toMatchObject({
      durability: { mode: 'replicated', replicas: 1, withinMs: 200 },
    });
  });

  it('names the replica after its host and process', () => {
    expect(loadConfig({}).name).toMatch(new RegExp(`^[A-Za-z0-9_.-]+-${process.pid}$`));
  });

  it('cannot be changed', () => {
    const config = loadConfig({ MGM_ROUTERS: 'r1, r2,r1' });
    expect(config.routers).toEqual(['r1', 'r2']);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.routers)).toBe(true);
  });

  it('ignores variables of the tests and of other programs', () => {
    expect(problemsOf({ MGM_SERVERS: 'process', MGM_TEST_SOURCES: 'x', MGMX: '1' })).toEqual([]);
  });

  it.each([
    ['MGM_NATS_URL', 'nats://a:4222, nats://user:p%40ss@b'],
    ['MGM_NATS_URL', 'tls://token@[::1]:4222'],
    ['MGM_REDIS_URL', 'rediss://user:p%40ss@redis.example:6380/3'],
    ['MGM_REDIS_URL', 'redis-sentinel://a,b:26380/2#mgm'],
    ['MGM_REDIS_URL', 'rediss-cluster://:p@a,b'],
    ['MGM_PREFIX', 'plant-7.mgm_test.v1'],
    ['MGM_KEY_PREFIX', 'plant-7.mgm'],
    ['MGM_BATCH_MAX', '1'],
    ['MGM_BATCH_MAX', '1024'],
    ['MGM_HEALTH_PORT', '65535'],
    ['MGM_HEALTH_HOST', '::'],
    ['MGM_LOG_LEVEL', 'silent'],
  ])('takes %s=%s', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([]);
  });
});

describe('a wrong value is refused with the values allowed', () => {
  it.each([
    ['MGM_BATCH_MAX', '0', 'must be 1 to 1024'],
    ['MGM_BATCH_MAX', '1025', 'must be 1 to 1024'],
    ['MGM_BATCH_MAX', '2.5', 'must be 1 to 1024'],
    ['MGM_BATCH_MAX', '1e2', 'must be 1 to 1024'],
    ['MGM_BATCH_MAX', '-1', 'must be 1 to 1024'],
    ['MGM_BATCH_MAX', ' 7', 'must be 1 to 1024'],
    ['MGM_BATCH_MAX', '', 'is empty; leave it out for the default'],
    ['MGM_QUEUE_MAX', '1000001', 'must be 1 to 1000000'],
    ['MGM_STORE_TIMEOUT_MS', '49', 'must be 50 to 2000'],
    ['MGM_DURABILITY', 'yes', 'must be one of memory, durable, replicated'],
    ['MGM_REPLICAS', '0', 'must be 1 to 100'],
    ['MGM_REPLICATION_TIMEOUT_MS', '1001', 'must be 10 to 1000'],
    ['MGM_SWEEP_EVERY_MS', '501', 'must be 50 to 500'],
    ['MGM_HEAD_EVERY_MS', '1001', 'must be 100 to 1000'],
    ['MGM_EVENT_RETENTION', '999', 'must be 1000 to 10000000'],
    ['MGM_HEALTH_PORT', '65536', 'must be 0 to 65535'],
    ['MGM_SHUTDOWN_MS', '99', 'must be 500 to 60000'],
    ['MGM_LOG_LEVEL', 'INFO', 'must be one of trace, debug, info, warn, error, fatal, silent'],
    ['MGM_PREFIX', 'mgm..v1', 'must be tokens of'],
    ['MGM_PREFIX', 'mgm.*', 'must be tokens of'],
    ['MGM_KEY_PREFIX', 'm{g}m', 'must be 1 to 64 of'],
    ['MGM_ROUTERS', 'r1,,r2', 'must be names of 1 to 64 of'],
    ['MGM_ROUTERS', 'r 1', 'must be names of 1 to 64 of'],
    ['MGM_NAME', 'a b', 'must be 1 to 64 of'],
    ['MGM_HEALTH_HOST', 'a/b', 'must be an address'],
  ])('%s=%s', (name, value, must) => {
    expect(problemsOf({ [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name}=${value.replace('*', '\\*')}: ${must}`)),
    ]);
  });

  it.each([
    ['MGM_NATS_URL', 'http://geheim@a', 'must be like nats://host:port or tls://host:port'],
    ['MGM_NATS_URL', 'nats://geheim@a/x', 'must end with the port'],
    ['MGM_NATS_URL', 'nats://u:geheim@a,nats://u:other@b', 'must carry the same user and password'],
    ['MGM_NATS_URL', 'nats://u:geheim@a,tls://u:geheim@b', 'must not mix nats:// and tls://'],
    ['MGM_NATS_URL', 'nats://u:gehe%im@a', 'must have % in its user and password written as %25'],
    ['MGM_REDIS_URL', 'geheim', 'must be like redis://host:port'],
    [
      'MGM_REDIS_URL',
      'redis://:geheim@a/x',
      'must end with the port or the number of the database',
    ],
    ['MGM_REDIS_URL', 'redis://:geheim@a?db=1', 'must have no ?'],
  ])('%s, without showing what may be secret: %s', (name, value, must) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toEqual([expect.stringContaining(`${name}: ${must}`)]);
    expect(problems.join()).not.toMatch(/geheim|gehe%im/);
  });

  it('with one line for each problem, all together', () => {
    const env = {
      MGM_BATCH_MAX: '0',
      MGM_LOG_LEVEL: 'loud',
      MGM_REDIS_URL: 'x',
      MGM_BACH_MAX: '1',
    };
    expect(() => loadConfig(env)).toThrow(/^([^\n]+\n){3}[^\n]+$/);
    const named = problemsOf(env).map((line) => line.split(/[=:]/)[0]);
    expect(named).toHaveLength(4);
    expect(new Set(named)).toEqual(new Set(Object.keys(env)));
  });
});

describe('an unknown name is refused', () => {
  it.each([
    ['MGM_BACH_MAX', 'MGM_BATCH_MAX'],
    ['MGM_NATS_URLS', 'MGM_NATS_URL'],
    ['MGM_REDISURL_FILE', 'MGM_REDIS_URL_FILE'],
    ['MGM_LOGLEVEL', 'MGM_LOG_LEVEL'],
  ])('%s, and %s suggested', (wrong, meant) => {
    expect(problemsOf({ [wrong]: '1' })).toEqual([
      `${wrong}: is not a variable of the manager; did you mean ${meant}?`,
    ]);
  });

  it('without a suggestion if no known name is similar', () => {
    expect(problemsOf({ MGM_COLOUR_OF_LOGS: '1' })).toEqual([
      'MGM_COLOUR_OF_LOGS: is not a variable of the manager',
    ]);
  });
});

describe('values must fit together', () => {
  it.each([
    [{ MGM_QUEUE_MAX: '100' }, 'MGM_QUEUE_MAX=100: must be at least MGM_BATCH_MAX'],
    [
      { MGM_SHUTDOWN_MS: '500', MGM_STORE_TIMEOUT_MS: '401' },
      'MGM_SHUTDOWN_MS=500: must be at least 100 more',
    ],
    [
      { MGM_STORE_TIMEOUT_MS: '2000', MGM_SHUTDOWN_MS: '2000' },
      'MGM_SHUTDOWN_MS=2000: must be at least 100 more',
    ],
    [
      { MGM_DURABILITY: 'replicated', MGM_REPLICATION_TIMEOUT_MS: '251' },
      'MGM_REPLICATION_TIMEOUT_MS=251: must be at least 50 less than MGM_STORE_TIMEOUT_MS',
    ],
    [
      { MGM_DURABILITY: 'replicated', MGM_STORE_TIMEOUT_MS: '249' },
      'MGM_REPLICATION_TIMEOUT_MS=200: must be at least 50 less',
    ],
  ])('%j', (env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });

  it('only where they are used together', () => {
    expect(problemsOf({ MGM_STORE_TIMEOUT_MS: '100' })).toEqual([]);
  });

  it('and a value is not compared with one that is wrong by itself', () => {
    expect(problemsOf({ MGM_QUEUE_MAX: '100', MGM_BATCH_MAX: 'x' })).toEqual([
      'MGM_BATCH_MAX=x: must be 1 to 1024',
    ]);
  });
});

describe('a URL may be read from a file', () => {
  it('without its final line break', () => {
    const path = fileWith('redis://:geheim@redis:6379\n');
    expect(loadConfig({ MGM_REDIS_URL_FILE: path }).redisUrl).toBe('redis://:geheim@redis:6379');
  });

  it('which must be readable', () => {
    expect(problemsOf({ MGM_NATS_URL_FILE: '/no/such/file' })).toEqual([
      'MGM_NATS_URL_FILE=/no/such/file: cannot be read (ENOENT)',
    ]);
  });

  it('or in the variable, not both', () => {
    const env = { MGM_NATS_URL: 'nats://a', MGM_NATS_URL_FILE: fileWith('nats://b') };
    expect(problemsOf(env)).toEqual([
      'MGM_NATS_URL_FILE: must not be set together with MGM_NATS_URL',
    ]);
  });

  it('and is checked like the variable, without showing it', () => {
    expect(problemsOf({ MGM_NATS_URL_FILE: fileWith('http://geheim') })).toEqual([
      'MGM_NATS_URL: must be like nats://host:port or tls://host:port',
    ]);
  });
});

describe('the configuration that is logged', () => {
  it('contains no user, password or token', () => {
    const config = loadConfig({
      MGM_NATS_URL: 'nats://u:geheim@a:1,nats://b:2',
      MGM_REDIS_URL: 'redis://:ge%40heim@c:3/4',
    });
    expect(loggable(config)).toMatchObject({
      natsUrl: 'nats://***@a:1,nats://b:2',
      redisUrl: 'redis://***@c:3/4',
    });
  });

  it('documents every variable in the table', () => {
    const lines = configTable().split('\n').slice(2);
    expect(lines).toHaveLength(Object.keys(variables.shape).length);
    for (const line of lines)
      expect(line).toMatch(/^\| `MGM_[A-Z_]+` \| [^|]+ \| [^|]+ \| [^|]+ \|$/);
  });
});
