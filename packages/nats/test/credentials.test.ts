import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startNats, type RunningServer } from '@mgm/devstack';
import { createUser } from 'nkeys.js';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, CredentialsError, readCredentials } from '../src/mod.ts';

const choice = inject('servers');
const run = promisify(execFile);
const user = createUser();
const seed = new TextDecoder().decode(user.getSeed());
let dir: string;

/** Writes a file of this test and returns its path. */
async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mgm-credentials-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A NATS server with a configuration file. */
async function startWith(config: string): Promise<RunningServer> {
  return startNats(choice, { args: ['-c', await file('nats.conf', config)] });
}

describe('readCredentials', () => {
  it.for([
    [{ credsFile: 'missing.creds' }, 'credsFile', /missing\.creds cannot be read \(ENOENT\)$/],
    [{ nkeyFile: 'missing.nk' }, 'nkeyFile', /missing\.nk cannot be read \(ENOENT\)$/],
    [{ caFile: '.' }, 'caFile', /cannot be read \(EISDIR\)$/],
    [{ certFile: 'a.pem' }, 'keyFile', /needs its key/],
    [{ keyFile: 'a.pem' }, 'certFile', /needs its key/],
    [{ credsFile: 'a', nkeyFile: 'b' }, 'nkeyFile', /exclude each other/],
  ] as const)('rejects %o before any connection', async ([names, option, message]) => {
    const files = Object.fromEntries(
      Object.entries(names).map(([key, name]) => [key, join(dir, name)]),
    );
    const error = await readCredentials(files).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error).toMatchObject({ option, message: expect.stringMatching(message) as string });
  });

  it.for([
    ['nkeyFile', 'SUAnot-a-seed', 'holds no NKEY seed'],
    ['credsFile', 'hello', 'is no .creds file: it needs a user JWT and its seed'],
    ['caFile', 'hello', 'holds no certificate in PEM'],
  ] as const)(
    'rejects a %s of another kind without its content',
    async ([option, text, message]) => {
      const path = await file('other', text);
      const error = await readCredentials({ [option]: path }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ option, message: `${path} ${message}` });
      expect(String(error)).not.toContain(text);
    },
  );

  it('rejects a private key that is not that of the certificate', async () => {
    const openssl = (...args: string[]) => run('openssl', args, { cwd: dir });
    const [certFile = '', keyFile = '', rsaFile = ''] = ['own.pem', 'other.key', 'rsa.key'].map(
      (name) => join(dir, name),
    );
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await openssl('req', '-x509', ...ec, '-keyout', 'own.key', '-out', certFile, '-subj', '/CN=a');
    await openssl('req', '-x509', ...ec, '-keyout', keyFile, '-out', 'b.pem', '-subj', '/CN=b');
    await openssl('genpkey', '-algorithm', 'RSA', '-out', rsaFile);
    for (const other of [keyFile, rsaFile]) {
      const files = { certFile, keyFile: other };
      const error = await readCredentials(files).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CredentialsError);
      const message = `${other} is not the private key of the certificate in ${certFile}`;
      expect(error).toMatchObject({ option: 'keyFile', message });
    }
    const own = await readCredentials({ certFile, keyFile: join(dir, 'own.key') });
    expect(own.tls).toMatchObject({ cert: expect.any(String) as string });
  });

  it('logs in with the seed of an NKEY user', async (context) => {
    context.skip(choice.nats.kind !== 'process', 'gives nats-server a configuration file');
    await using nats = await startWith(
      `authorization { users: [{ nkey: ${user.getPublicKey()} }] }`,
    );
    const servers = nats.url.replace('nats://', '');
    await expect(connect({ servers, reconnect: false })).rejects.toThrow('Authorization Violation');
    const credentials = await readCredentials({ nkeyFile: await file('user.nk', `${seed}\n`) });
    const connection = await connect({ servers, ...credentials });
    await connection.flush();
    await connection.close();
  });

  it('logs in with a client certificate, and trusts an authority of its own', async (context) => {
    context.skip(choice.nats.kind !== 'process', 'gives nats-server a configuration file');
    const openssl = (...args: string[]) => run('openssl', args, { cwd: dir });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca');
    await openssl('req', ...key, '-keyout', 'key.pem', '-out', 'req.pem', '-subj', '/CN=pim1');
    await file('ext', 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
    await openssl('x509', '-req', '-in', 'req.pem', ...sign, '-out', 'cert.pem');
    const [certFile, keyFile, caFile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) =>
      join(dir, name),
    );
    await using nats = await startWith(`
      tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify_and_map: true }
      authorization { users: [{ user: "CN=pim1" }] }`);
    const servers = nats.url.replace(/^[a-z]+:\/\/[^:]+/, 'localhost');
    const trusting = await readCredentials({ caFile });
    // The server closes the connection right after its TLS alert, which is lost when this end has sent more by then.
    const refused = connect({ servers, ...trusting, reconnect: false });
    await expect(refused).rejects.toThrow(/SSL alert|ECONNRESET|EPIPE/);
    const credentials = await readCredentials({ certFile, keyFile, caFile });
    const connection = await connect({ servers, ...credentials });
    await connection.flush();
    await connection.close();
  });
});
