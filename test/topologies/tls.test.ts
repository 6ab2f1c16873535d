import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@mgm/client';
import {
  startNats,
  startNatsCluster,
  startRedisCluster,
  startRedisSentinel,
  type TlsFiles,
} from '@mgm/devstack';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { eventually, managerEnv, spawnManager, startManagers } from '@mgm/test-support';
import { startPythonWorker } from '../contract/python-worker.ts';
import { smoke } from '../smoke/smoke.ts';
import { noTopologies } from './takes.ts';

const choice = inject('servers');
const run = promisify(execFile);
let dir: string;
let tls: TlsFiles;

/** A certificate authority of this test, and a certificate of this machine signed by it. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mgm-tls-'));
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test');
  await openssl('req', ...key, '-keyout', 'key.pem', '-out', 'req.pem', '-subj', '/CN=mgm');
  await writeFile(join(dir, 'ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
  await openssl('x509', '-req', '-in', 'req.pem', ...sign, '-out', 'cert.pem');
  const file = (name: string) => join(dir, name);
  tls = { cert: file('cert.pem'), key: file('key.pem'), ca: file('ca.pem') };
});
afterAll(() => rm(dir, { recursive: true }));

it.for([
  { kind: 'sentinels', start: startRedisSentinel },
  { kind: 'a cluster', start: startRedisCluster },
])(
  'the smoke test succeeds over TLS to NATS and to Redis with $kind',
  async ({ start }, context) => {
    context.skip(noTopologies() !== undefined, noTopologies());
    await using redis = await start(choice, { tls, password: 'p@ss' });
    await using nats = await startNatsCluster(choice, { tls });
    expect(redis.url).toMatch(/^rediss-/);
    expect(nats.url).toMatch(/^tls:/);
    const env = { NODE_EXTRA_CA_CERTS: tls.ca };
    await using _managers = await startManagers(1, { redis, nats }, env);
    await using mgm = await connect({ servers: nats.url, router: 'safe', tls: { caFile: tls.ca } });
    await smoke(mgm, () => {});
  },
);

it('the worker in Python speaks TLS and trusts the authority that it is given', async (context) => {
  context.skip(noTopologies() !== undefined, noTopologies());
  await using nats = await startNatsCluster(choice, { tls });
  const [url = ''] = nats.url.split(',');
  await using worker = await startPythonWorker(url, 'safe', ['--ca', tls.ca, '7']);
  await using stranger = await startPythonWorker(url, 'safe', ['7']);
  const withinMs = 30_000;
  await eventually(() => expect(worker.output).toContain('no manager is there'), { withinMs });
  await eventually(() => expect(stranger.output).toContain('CERTIFICATE_VERIFY_FAILED'), {
    withinMs,
  });
});

describe('a manager with credentials from files', () => {
  const PASSWORD = 'of-redis';
  const OF_SENTINELS = 'of-sentinels';

  it('serves over TLS with a client certificate, an ACL user and sentinels with a password', async (context) => {
    context.skip(noTopologies() !== undefined, noTopologies());
    const options = {
      tls: { ...tls, needsClientCertificate: true },
      password: PASSWORD,
      sentinelPassword: OF_SENTINELS,
      config: [`user manager on >${PASSWORD} ~mgm:* +@all`],
    };
    await using redis = await startRedisSentinel(choice, options);
    await using nats = await startNats(choice);
    const url = redis.url.replace('://:', '://manager:');
    const file = async (name: string, text: string): Promise<string> => {
      await writeFile(join(dir, name), text, { mode: 0o600 });
      return join(dir, name);
    };
    const env = {
      MGM_REDIS_URL_FILE: await file('redis-url', url),
      MGM_REDIS_SENTINEL_PASSWORD_FILE: await file('sentinel-password', OF_SENTINELS),
      MGM_REDIS_CERT: tls.cert,
      MGM_REDIS_KEY: tls.key,
      MGM_REDIS_CA: tls.ca,
    };
    const { MGM_REDIS_URL: _, ...servers } = managerEnv({ nats, redis });
    await using manager = spawnManager({ ...servers, ...env, MGM_LOG_LEVEL: 'trace' });
    await manager.prints(/"msg":"ready"/, 30_000);
    await using mgm = await connect({ servers: nats.url, router: 'safe' });
    await smoke(mgm, () => {});
    const [stats] = await mgm.replicas();
    const shown = await readFile(`/proc/${manager.pid}/cmdline`, 'utf8');
    for (const secret of [PASSWORD, OF_SENTINELS, 'PRIVATE KEY']) {
      expect(manager.output).not.toContain(secret);
      expect(JSON.stringify(stats)).not.toContain(secret);
      expect(shown).not.toContain(secret);
    }
  });

  it('is refused by Redis without the certificate, and says so', async (context) => {
    context.skip(noTopologies() !== undefined, noTopologies());
    await using redis = await startRedisSentinel(choice, {
      tls: { ...tls, needsClientCertificate: true },
    });
    await using nats = await startNats(choice);
    const env = managerEnv({ nats, redis }, { MGM_REDIS_CA: tls.ca });
    await using manager = spawnManager(env);
    await manager.prints(/"msg":"waiting for redis"/, 30_000);
    expect(manager.output).not.toContain('"msg":"ready"');
  });
});
