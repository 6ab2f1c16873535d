import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '@mgm/client';
import {
  startNatsCluster,
  startRedisCluster,
  startRedisSentinel,
  type TlsFiles,
} from '@mgm/devstack';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { eventually, startManagers } from '@mgm/test-support';
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
  { timeout: 120_000 },
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
