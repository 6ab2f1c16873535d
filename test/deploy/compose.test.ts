import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '@mgm/client';
import { IMAGES, startNats, startRedis } from '@mgm/devstack';
import { startManager } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { smoke } from '../smoke/smoke.ts';

const run = promisify(execFile);
const choice = inject('servers');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SCRIPT = join(ROOT, 'deploy/compose/secrets.sh');

/** The parts of docker-compose.yml that these tests look at. */
interface Compose {
  readonly services: Record<string, Service>;
  readonly secrets: Record<string, { readonly file: string }>;
}
interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Record<string, string | number>;
  readonly ports?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

let dir: string;
let compose: Compose;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mgm-compose-'));
  await run(SCRIPT, [join(dir, 'secrets')]);
  compose = parse(await readFile(join(ROOT, 'docker-compose.yml'), 'utf8')) as Compose;
});
afterAll(() => rm(dir, { recursive: true }));

function secret(name: string): string {
  return join(dir, 'secrets', name);
}

async function textOf(name: string): Promise<string> {
  return (await readFile(secret(name), 'utf8')).trim();
}

describe('docker-compose.yml', () => {
  it('runs every service without capabilities, on a read-only file system', () => {
    expect(Object.keys(compose.services)).toEqual(['nats', 'redis', 'manager', 'console']);
    for (const service of Object.values(compose.services)) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
  });

  it('runs NATS and Redis as users other than root, from images of an exact version', () => {
    for (const name of ['nats', 'redis'] as const) {
      const { image, user } = compose.services[name] ?? {};
      expect(image).toBe(IMAGES[name]);
      expect(image).toMatch(/:\d+\.\d+\.\d+-alpine$/);
      expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    }
  });

  it('publishes NATS and the console on this machine only, and no other port', () => {
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    expect(published).toEqual([
      '127.0.0.1:${MGM_NATS_PORT:-4222}:4222',
      '127.0.0.1:${MGM_CONSOLE_PORT:-8420}:8420',
    ]);
  });

  it('takes every secret from a file that the script makes', async () => {
    const files = Object.values(compose.secrets).map(({ file }) => file.split('/').at(-1));
    const made = await readdir(join(dir, 'secrets'));
    expect(made).toEqual(expect.arrayContaining(files));
    const commands = JSON.stringify(
      Object.values(compose.services).map(({ command, environment }) => [command, environment]),
    );
    expect(commands).not.toMatch(/pass(word)?[=:]|requirepass|PASSWORD(?!_FILE)/i);
  });
});

describe('the secrets of docker-compose.yml', () => {
  it('are random, in a folder that only its owner may enter, and kept by the next run', async () => {
    const folder = await stat(join(dir, 'secrets'));
    expect(folder.mode & 0o777).toBe(0o700);
    const passwords = (await readdir(join(dir, 'secrets'))).filter((name) =>
      name.endsWith('-password'),
    );
    const before = await Promise.all(passwords.map(textOf));
    expect(before).toHaveLength(7);
    expect(new Set(before).size).toBe(7);
    for (const password of before) expect(password).toMatch(/^[0-9a-f]{48}$/);
    await rm(secret('pim1-password'));
    await run(SCRIPT, [join(dir, 'secrets')]);
    const after = await Promise.all(passwords.map(textOf));
    expect(after.filter((password) => before.includes(password))).toHaveLength(6);
    expect(await textOf('passwords.conf')).toContain(
      `PIM1_PASSWORD: "${await textOf('pim1-password')}"`,
    );
  });

  it('let three workers do the smoke test under the shipped accounts, ACL and policy', async (ctx) => {
    ctx.skip(choice.source !== 'process', 'servers read configuration files of this machine');
    await copyFile(join(ROOT, 'deploy/nats/accounts.conf'), secret('accounts.conf'));
    await using nats = await startNats(choice, { args: ['-c', secret('accounts.conf')] });
    const [, ...flags] = compose.services['redis']?.command ?? [];
    const args = flags.map((flag) => filled(flag));
    await using redis = await startRedis(choice, { args });
    const { environment = {} } = compose.services['manager'] ?? {};
    const { MGM_NATS_URL_FILE: _nats, MGM_REDIS_URL_FILE: _redis, ...env } = environment;
    const urls = {
      nats: { url: (await textOf('manager-nats-url')).replace('nats:4222', hostOf(nats.url)) },
      redis: { url: (await textOf('manager-redis-url')).replace('redis:6379', hostOf(redis.url)) },
    };
    await using manager = await startManager(urls, {
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])),
      MGM_POLICY_FILE: join(ROOT, 'deploy/policy.yaml'),
      MGM_LOG_LEVEL: 'info',
      MGM_HEALTH_PORT: '0',
    });
    const worker = async (user: string) =>
      connect({
        servers: `nats://${user}:${await textOf(`${user}-password`)}@${hostOf(nats.url)}`,
        router: 'r1',
      });
    await using pim = await worker('pim1');
    await using dvmrp = await worker('dvmrp1');
    await using igmp = await worker('igmp1');
    const lines: string[] = [];
    await smoke(pim, (line) => lines.push(line), { dvmrp, igmp });
    expect(lines).toHaveLength(6);
    expect(manager.output()).toContain('"durability":"durable"');
    for (const user of ['manager', 'pim1', 'redis']) {
      expect(manager.output()).not.toContain(await textOf(`${user}-password`));
    }
  });
});

/** A flag of Redis, with the values that Compose would fill in. */
function filled(flag: string): string {
  if (flag === '/run/secrets/redis-users') return secret('users.acl');
  return flag.replace(/^\$\{\w+:-(.*)\}$/, '$1');
}

function hostOf(url: string): string {
  return new URL(url).host;
}
