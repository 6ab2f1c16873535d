import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseServers, type ServersChoice, serversFromEnvironment } from '@mgm/devstack';
import { describe, expect, inject, it, vi } from 'vitest';
import { fillDebianCache, isDebianLike } from '../src/debian-cache.ts';
import { findProgram } from '../src/local-programs.ts';

const NOWHERE = 'unix:///nonexistent/docker.sock';

describe('chooseServers', () => {
  it('takes what was given, whatever was forced', async () => {
    const urls = { natsUrl: 'nats://bus:4222', redisUrl: 'redis://store:6379' };
    const choice = await chooseServers({
      ...urls,
      force: 'docker',
      prefer: 'docker',
      dockerHost: NOWHERE,
    });
    expect(choice).toEqual({
      source: 'urls',
      reason: 'servers: given by URL',
      redis: { kind: 'given', url: urls.redisUrl },
      nats: { kind: 'given', url: urls.natsUrl },
    });
  });

  it('fails when docker is forced and no engine answers, and says what to do', async () => {
    const failed = chooseServers({ force: 'docker', prefer: 'process', dockerHost: NOWHERE });
    await expect(failed).rejects.toMatchObject({ name: 'DevstackError', code: 'no-servers' });
    await expect(failed).rejects.toThrow(
      [
        'servers were to come from docker only:',
        `  - no Docker engine answers at ${NOWHERE}`,
        'To help: start a Docker engine that has or can pull the images; or give the addresses of running ones (MGM_NATS_URL, MGM_REDIS_URL).',
      ].join('\n'),
    );
  });

  it('says why the source preferred was not it', async (context) => {
    context.skip(inject('servers').source !== 'process', 'needs servers that are processes');
    const cacheDir = cacheDirOf(inject('servers'));
    const choice = await chooseServers({ prefer: 'docker', dockerHost: NOWHERE, cacheDir });
    expect(choice.source).toBe('process');
    expect(choice.reason).toMatch(/^servers: processes \(redis-server [\d.]+, nats-server [\d.]+/);
    expect(choice.reason).toContain(`(no Docker engine answers at ${NOWHERE})`);
  });

  it('takes from a source of its own what was not given', async (context) => {
    context.skip(inject('servers').source !== 'process', 'needs servers that are processes');
    const choice = await chooseServers({
      prefer: 'process',
      redisUrl: 'redis://store:6379',
      cacheDir: cacheDirOf(inject('servers')),
    });
    expect(choice).toMatchObject({
      source: 'process',
      redis: { kind: 'given', url: 'redis://store:6379' },
      nats: { kind: 'process' },
    });
    expect(choice.reason).toMatch(/^servers: processes \(.+\), redis given by URL$/);
  });

  it('can be handed to another process as JSON', () => {
    const choice = inject('servers');
    expect(JSON.parse(JSON.stringify(choice))).toEqual(choice);
  });
});

describe('serversFromEnvironment', () => {
  it('reads what is set and leaves the rest out', () => {
    const env = {
      MGM_SERVERS: 'process',
      MGM_REDIS_URL: 'redis://store',
      DOCKER_HOST: '',
      HOME: '/root',
    };
    expect(serversFromEnvironment(env)).toEqual({ force: 'process', redisUrl: 'redis://store' });
    expect(serversFromEnvironment({ MGM_SERVERS: 'auto' })).toEqual({});
    expect(serversFromEnvironment({})).toEqual({});
  });

  it('refuses a source that there is not', () => {
    expect(() => serversFromEnvironment({ MGM_SERVERS: 'podman' })).toThrow(
      'MGM_SERVERS=podman: must be docker, process or auto',
    );
  });

  it('refuses an address that is none, without repeating a password', () => {
    const refuse = (env: Record<string, string>, message: string) =>
      expect(() => serversFromEnvironment(env)).toThrow(new RegExp(`^${message}$`));
    refuse(
      { MGM_REDIS_URL: 'http://:secret@store' },
      'MGM_REDIS_URL: must be like redis://host:port',
    );
    refuse({ MGM_NATS_URL: 'bus:4222' }, 'MGM_NATS_URL: must be like nats://host:port');
    refuse({ MGM_NATS_URL: 'nats://a,b' }, 'MGM_NATS_URL: must be like nats://host:port');
  });
});

describe('fillDebianCache', () => {
  it('leaves nothing half done when it is given up', async (context) => {
    context.skip(!(await isDebianLike()), 'needs a Debian or Ubuntu');
    const folder = await mkdtemp(join(tmpdir(), 'mgm-devstack-test-'));
    const { signal, abort } = givenUp();
    const filling = fillDebianCache(join(folder, 'servers'), { signal, onProgress: abort });
    await expect(filling).rejects.toThrow('enough');
    await vi.waitFor(async () => expect(await readdir(folder)).toEqual(['servers.lock']), 5_000);
    await rm(folder, { recursive: true });
  });
});

/** Servers that were fetched into a folder are found there again. */
function cacheDirOf({ redis }: ServersChoice): string {
  return redis.kind === 'process' ? join(redis.command, '../..') : '';
}

function givenUp(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) };
}

describe('findProgram', () => {
  it('names what it looked for', async () => {
    const wish = { names: ['no-such-redis', 'no-such-valkey'], oldest: '7.0' };
    const why = 'no no-such-redis or no-such-valkey on the PATH';
    expect(await findProgram(wish)).toEqual({ kind: 'missing', why });
  });

  it.each([
    ['6.2.14', 'missing'],
    ['7.0.0', 'found'],
    ['10.1.0', 'found'],
  ])('tells whether version %s will do: %s', async (version, kind) => {
    const folder = await mkdtemp(join(tmpdir(), 'mgm-devstack-test-'));
    const program = join(folder, 'redis-server');
    await writeFile(program, `#!/bin/sh\necho "Redis server v=${version} sha=00000000:0"\n`);
    await chmod(program, 0o755);
    const found = await findProgram({ names: ['redis-server'], oldest: '7.0' }, folder);
    expect(found.kind).toBe(kind);
    if (found.kind === 'missing')
      expect(found.why).toContain(`is ${version}, but 7.0 is the oldest`);
    await rm(folder, { recursive: true });
  });
});
