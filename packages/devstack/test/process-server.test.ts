import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startRedis } from '@mgm/devstack';
import { beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { tryConnect, WITHIN, Wire } from './wire.ts';

const choice = inject('servers');
const LEAVES_A_REDIS = fileURLToPath(new URL('leaves-a-redis.ts', import.meta.url));

describe('a server as a process', () => {
  beforeEach((context) =>
    context.skip(choice.redis.kind !== 'process', 'needs servers that are processes'),
  );

  it('keeps its data in a given folder for the next server', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'mgm-devstack-test-'));
    {
      await using redis = await startRedis(choice, { dataDir });
      using wire = await Wire.open(redis);
      expect(await wire.ask('SET held 7')).toBe('+OK');
    }
    {
      await using redis = await startRedis(choice, { dataDir });
      using wire = await Wire.open(redis);
      expect(await wire.ask('STRLEN held')).toBe(':1');
    }
    await rm(dataDir, { recursive: true });
  });

  it('has a process id while it runs', async () => {
    await using redis = await startRedis(choice);
    expect(redis.pid).toBeGreaterThan(0);
    await redis.kill();
    expect(redis.pid).toBeUndefined();
  });

  it('rejects pause if it is not running', async () => {
    await using redis = await startRedis(choice);
    await redis.kill();
    await expect(redis.pause()).rejects.toThrow(`cannot pause ${redis.url}: it does not run`);
  });

  it('ends with a parent that was killed', async (context) => {
    context.skip(!existsSync('/usr/bin/setpriv'), 'needs setpriv, a program of Linux');
    const args = ['--conditions=@mgm/source', LEAVES_A_REDIS, JSON.stringify(choice)];
    // The killed parent could not remove the folder of its server.
    const folder = await mkdtemp(join(tmpdir(), 'mgm-devstack-test-'));
    const parent = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const [port] = await once(createInterface({ input: parent.stdout }), 'line');
    const redis = { host: '127.0.0.1', port: Number(port) };
    expect(await tryConnect(redis)).toBe('connected');
    parent.kill('SIGKILL');
    await vi.waitFor(async () => expect(await tryConnect(redis)).toBe('ECONNREFUSED'), WITHIN);
    await rm(folder, { recursive: true });
  });
});
