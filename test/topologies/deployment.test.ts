import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type RedisNodesOptions,
  type ServersChoice,
  startNats,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '@mgm/devstack';
import { parseNatsUrls } from '@mgm/protocol';
import { parseRedisUrl } from '@mgm/store';
import { describe, expect, inject, it } from 'vitest';
import { startManagers } from '@mgm/test-support';
import { smoke } from '../smoke/smoke.ts';
import { clientOf, noTopologies } from './takes.ts';

const choice = inject('servers');
const PAGE = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');

/** The lines of the code blocks under a heading, by the language of the blocks. */
function blocks(heading: string, language: 'conf' | 'sh'): string[] {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  const found = section.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'));
  return [...found].map(([, text = '']) => text);
}

/** The lines of the first block of settings, without comments. */
function settings(heading: string): string[] {
  const [conf = ''] = blocks(heading, 'conf');
  return conf.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** The variables of a manager under a heading. */
function variables(heading: string): Record<string, string> {
  const lines = blocks(heading, 'sh').flatMap((text) => text.trim().split('\n'));
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

const startOne = (servers: ServersChoice, { config = [] }: RedisNodesOptions) =>
  startRedis(servers, {
    args: config.map((line) => `--${line}`).flatMap((line) => line.split(' ')),
  });
const startShards = (servers: ServersChoice, options: RedisNodesOptions) =>
  startRedisCluster(servers, { ...options, replicas: 1 });

describe('docs/deployment.md', () => {
  it.for([
    { heading: 'One durable Redis', start: startOne },
    { heading: 'Sentinel', start: startRedisSentinel },
    { heading: 'Cluster', start: startShards },
  ])('has settings that a manager serves on: $heading', async ({ heading, start }, context) => {
    context.skip(noTopologies() !== undefined, noTopologies());
    const config = settings(heading);
    expect(config.length).toBeGreaterThan(2);
    const { MGM_REDIS_URL: url = '', ...env } = variables(heading);
    expect(parseRedisUrl(url).password).toBe('secret');
    expect(env).toHaveProperty('MGM_DURABILITY');
    await using redis = await start(choice, { config });
    await using nats = await startNats(choice);
    await using _managers = await startManagers(1, { redis, nats }, env);
    await using mgm = await clientOf(nats.url, 'documented');
    await smoke(mgm, () => {});
  });

  it('has settings that nats-server accepts', async (context) => {
    if (choice.nats.kind !== 'process') return context.skip(noTopologies());
    expect(parseNatsUrls(variables('NATS')['MGM_NATS_URL'] ?? '').servers).toHaveLength(3);
    const dir = await mkdtemp(join(tmpdir(), 'mgm-nats-conf-'));
    const file = join(dir, 'nats-server.conf');
    await writeFile(file, blocks('NATS', 'conf')[0] ?? 'missing {');
    const run = promisify(execFile);
    await expect(run(choice.nats.command, ['-t', '-c', file])).resolves.toBeDefined();
    await rm(dir, { recursive: true });
  });
});
