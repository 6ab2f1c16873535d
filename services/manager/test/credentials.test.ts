import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, startRedis, type RunningServer } from '@mgm/devstack';
import { startManager } from '@mgm/test-support';
import { createUser } from 'nkeys.js';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ConfigError, loadConfig, startManager as startHere } from '../src/mod.ts';

const choice = inject('servers');
let dir: string;
let redis: RunningServer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mgm-manager-credentials-'));
  redis = await startRedis(choice);
});
afterAll(async () => {
  await redis.stop();
  await rm(dir, { recursive: true });
});

it('logs in to NATS with the seed of an NKEY user, which no log contains', async (context) => {
  context.skip(choice.nats.kind !== 'process', 'gives nats-server a configuration file');
  const user = createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  const [conf, file] = [join(dir, 'nats.conf'), join(dir, 'manager.nk')];
  await writeFile(conf, `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`);
  await writeFile(file, `${seed}\n`, { mode: 0o600 });
  await using nats = await startNats(choice, { args: ['-c', conf] });
  await using manager = await startManager({ nats, redis }, { MGM_NATS_NKEY_FILE: file });
  expect(manager.output()).toContain('"msg":"ready"');
  expect(manager.output()).not.toContain(seed);
});

it.for([
  ['MGM_NATS_CREDS', 'cannot be read (ENOENT)'],
  ['MGM_NATS_NKEY_FILE', 'cannot be read (ENOENT)'],
  ['MGM_NATS_CA', 'cannot be read (ENOENT)'],
  ['MGM_REDIS_CA', 'cannot be read (ENOENT)'],
] as const)('does not start where %s names no file, and says so', async ([name, problem]) => {
  const file = join(dir, 'missing');
  const url = name === 'MGM_REDIS_CA' ? 'rediss://127.0.0.1:9' : redis.url;
  const config = loadConfig({ MGM_REDIS_URL: url, [name]: file });
  const error = await startHere(config).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error).toMatchObject({ problems: [`${name}: ${file} ${problem}`] });
});

it('does not start on a policy that is not valid, with all problems', async () => {
  const file = join(dir, 'policy.yaml');
  await writeFile(
    file,
    'version: 1\nrules: [{ name: a, identities: [x], routers: [], color: red }]\n',
  );
  const env = { MGM_REDIS_URL: redis.url, MGM_IDENTITY: 'subject', MGM_POLICY_FILE: file };
  const error = await startHere(loadConfig(env)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toMatch(/MGM_POLICY_FILE=.*: line 2: rules\[0\]\.operations: /);
  expect(String(error)).toMatch(/rules\[0\]\.color: is not a field of a policy/);
});

it('refuses a policy for callers that are not identified', () => {
  expect(() => loadConfig({ MGM_POLICY_FILE: '/etc/mgm/policy.yaml' })).toThrow(
    'MGM_POLICY_FILE=/etc/mgm/policy.yaml: must be left out unless MGM_IDENTITY is subject',
  );
});
