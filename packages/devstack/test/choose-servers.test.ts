import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseServers, type ServersChoice, serversFromEnvironment } from '@mgm/devstack';
import { describe, expect, inject, it, vi } from 'vitest';
import { helpText } from '../src/choose/choose-servers.ts';
import { fillDebianCache, isDebianLike } from '../src/choose/debian-cache.ts';
import { findProgram } from '../src/choose/local-programs.ts';
import { WITHIN } from './wire.ts';

const NOWHERE = 'unix:///nonexistent/docker.sock';

describe('chooseServers', () => {
  it('uses given URLs, even with a forced source', async () => {
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

  it('fails if docker is forced and no engine answers, and says what to do', async () => {
    const failed = chooseServers({ force: 'docker', prefer: 'process', dockerHost: NOWHERE });
    await expect(failed).rejects.toMatchObject({ name: 'DevstackError', code: 'no-servers' });
    await expect(failed).rejects.toThrow(
      [
        'servers were to come from docker only:',
        `  - no Docker engine answers at ${NOWHERE}`,
        'do one of these:',
        '  - start a Docker engine, and docker pull redis:7.4.6-alpine, docker pull nats:2.11.16-alpine if it cannot pull them itself',
        '  - set MGM_NATS_URL and MGM_REDIS_URL to running servers',
      ].join('\n'),
    );
  });

  it('ignores given URLs where servers must be its own, and does not advise to give them', async () => {
    const urls = { natsUrl: 'nats://bus:4222', redisUrl: 'redis://store:6379' };
    const options = { ...urls, force: 'docker', prefer: 'docker', dockerHost: NOWHERE } as const;
    const failed = await chooseServers({ ...options, ownOnly: true }).catch(String);
    expect(failed).toContain('  - start a Docker engine');
    expect(failed).not.toContain('MGM_NATS_URL');
  });

  it('names the commands that install servers if no source is usable', () => {
    const text = helpText(['no redis-server on the PATH']);
    expect(text).toContain('  - no redis-server on the PATH\n');
    expect(text).toContain('macOS: brew install redis nats-server\n');
    expect(text).toContain('Fedora: dnf install valkey nats-server\n');
    expect(text).toContain('docker pull redis:7.4.6-alpine, docker pull nats:2.11.16-alpine');
  });

  it('says why the preferred source was not used', async (context) => {
    context.skip(inject('servers').source !== 'process', 'needs servers that are processes');
    const cacheDir = cacheDirOf(inject('servers'));
    const choice = await chooseServers({ prefer: 'docker', dockerHost: NOWHERE, cacheDir });
    expect(choice.source).toBe('process');
    expect(choice.reason).toMatch(/^servers: processes \(redis-server [\d.]+, nats-server [\d.]+/);
    expect(choice.reason).toContain(`(no Docker engine answers at ${NOWHERE})`);
  });

  it('chooses a source for the server that was not given', async (context) => {
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

  it('returns plain data for another process', () => {
    const choice = inject('servers');
    expect(JSON.parse(JSON.stringify(choice))).toEqual(choice);
  });
});

describe('serversFromEnvironment', () => {
  it('reads variables that are set and omits the rest', () => {
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

  it('refuses an unknown source', () => {
    expect(() => serversFromEnvironment({ MGM_SERVERS: 'podman' })).toThrow(
      'MGM_SERVERS=podman: must be docker, process or auto',
    );
  });

  it('refuses an invalid address without showing a password', () => {
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
  it('leaves no partial result when it is cancelled', async (context) => {
    context.skip(!(await isDebianLike()), 'needs a Debian or Ubuntu');
    const folder = await mkdtemp(join(tmpdir(), 'mgm-devstack-test-'));
    const { signal, abort } = cancelled();
    const filling = fillDebianCache(join(folder, 'servers'), { signal, onProgress: abort });
    await expect(filling).rejects.toThrow('enough');
    await vi.waitFor(async () => expect(await readdir(folder)).toEqual(['servers.lock']), WITHIN);
    await rm(folder, { recursive: true });
  });
});

/** The folder that servers were fetched into. */
function cacheDirOf({ redis }: ServersChoice): string {
  return redis.kind === 'process' ? join(redis.command, '../..') : '';
}

function cancelled(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) };
}

describe('findProgram', () => {
  it('names the programs it looked for', async () => {
    const wish = { names: ['no-such-redis', 'no-such-valkey'], oldest: '7.0' };
    const why = 'no no-such-redis or no-such-valkey on the PATH';
    expect(await findProgram(wish)).toEqual({ kind: 'missing', why });
  });

  it.each([
    ['6.2.14', 'missing'],
    ['7.0.0', 'found'],
    ['10.1.0', 'found'],
  ])('decides about version %s: %s', async (version, kind) => {
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
