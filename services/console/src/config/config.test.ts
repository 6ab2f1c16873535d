import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from './config.ts';
import { configTable, variables } from './variables.ts';

const folder = mkdtempSync(join(tmpdir(), 'mgm-console-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const digest = createHash('sha256').update('s3cret').digest('hex');
const passwordFile = fileWith('passwords', `# operators\nann:${digest}\n`);
const proxy = {
  MGM_CONSOLE_USER_HEADER: 'X-Forwarded-User',
  MGM_CONSOLE_PROXIES: '10.0.0.0/8,::1',
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env, 'ann@host');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration of the console', () => {
  it('listens on loopback without authentication by default, and names the user of the machine', () => {
    expect(loadConfig({}, 'ann@host')).toMatchObject({
      nats: { servers: 'nats://127.0.0.1:4222', prefix: 'mgm.v1' },
      host: '127.0.0.1',
      port: 8420,
      access: { kind: 'none', actor: 'ann@host' },
    });
  });

  it.each(['0.0.0.0', '::', '192.0.2.1', 'mgm.example.org'])(
    'refuses to listen on %s without authentication',
    (host) => {
      expect(problemsOf({ MGM_CONSOLE_HOST: host })).toEqual([
        expect.stringContaining(`MGM_CONSOLE_HOST=${host}: must be a loopback address`),
      ]);
    },
  );

  it.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])(
    'listens on %s without authentication',
    (host) => {
      expect(problemsOf({ MGM_CONSOLE_HOST: host })).toEqual([]);
    },
  );

  it('listens on any address with a password file, or with a trusted proxy', () => {
    const everywhere = { MGM_CONSOLE_HOST: '0.0.0.0' };
    expect(problemsOf({ ...everywhere, MGM_CONSOLE_PASSWORD_FILE: passwordFile })).toEqual([]);
    expect(problemsOf({ ...everywhere, ...proxy })).toEqual([]);
  });

  it('reads the URL of NATS from a file, and never shows it', () => {
    const path = fileWith('url', 'nats://noc:geheim@nats:4222\n');
    expect(loadConfig({ MGM_NATS_URL_FILE: path }, 'a').nats.servers).toBe(
      'nats://noc:geheim@nats:4222',
    );
    expect(problemsOf({ MGM_NATS_URL: 'http://geheim@a' }).join()).not.toContain('geheim');
    expect(problemsOf({ MGM_NATS_URL: 'nats://a', MGM_NATS_URL_FILE: path })).toHaveLength(1);
  });

  it.each([
    [{ MGM_CONSOLE_PORT: '65536' }, 'MGM_CONSOLE_PORT=65536: must be 0 to 65535'],
    [{ MGM_CONSOLE_PORT: '' }, 'MGM_CONSOLE_PORT=: is empty; leave it out for the default'],
    [{ MGM_CONSOLE_STREAMS_MAX: '0' }, 'MGM_CONSOLE_STREAMS_MAX=0: must be 1 to 1000'],
    [{ MGM_ROUTER: 'r 1' }, 'MGM_ROUTER=r 1: must be 1 to 64 of'],
    [{ MGM_PREFIX: 'a..b' }, 'MGM_PREFIX=a..b: must be tokens of'],
    [
      { MGM_CONSOLE_ORIGIN: 'mgm.example.org' },
      'MGM_CONSOLE_ORIGIN=mgm.example.org: must be an origin',
    ],
    [{ MGM_CONSOLE_PASSWORD_FILE: '/no/such/file' }, 'cannot be read (ENOENT)'],
    [{ MGM_CONSOLE_USER_HEADER: 'x-user' }, 'MGM_CONSOLE_PROXIES: must be set together'],
    [
      { ...proxy, MGM_CONSOLE_PROXIES: '10.0.0.0/33' },
      'MGM_CONSOLE_PROXIES=10.0.0.0/33: must be IP addresses',
    ],
    [{ ...proxy, MGM_CONSOLE_PROXIES: 'proxy' }, 'MGM_CONSOLE_PROXIES=proxy: must be IP addresses'],
    [{ ...proxy, MGM_CONSOLE_PASSWORD_FILE: passwordFile }, 'must be left out together with'],
    [{ MGM_CONSOLE_PROT: '1' }, 'MGM_CONSOLE_PROT: is not a variable of the console'],
  ])('refuses %j', (env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ['ann:s3cret\n', 'line 1: must be user:sha256'],
    [`# only a comment\n`, 'names no user'],
    [`ann:${digest}\nbob:${digest.slice(1)}\n`, 'line 2: must be user:sha256'],
  ])('refuses a password file with a wrong line, and shows nothing of it: %j', (text, problem) => {
    const problems = problemsOf({ MGM_CONSOLE_PASSWORD_FILE: fileWith('wrong', text) });
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems.join()).not.toContain('s3cret');
  });

  it('documents every variable in the table', () => {
    expect(configTable().split('\n')).toHaveLength(Object.keys(variables).length + 2);
  });
});
