import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startNats } from '@mgm/devstack';
import { eventually, startServers, type TestServers } from '@mgm/test-support';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { manage, Worker, type LogLine } from './in-process.ts';

const choice = inject('servers');
const SOON = { withinMs: 30_000 };
const ELSEWHERE = { MGM_KEY_PREFIX: 'elsewhere' };

let servers: TestServers;
beforeAll(async () => (servers = await startServers()));
afterAll(() => servers[Symbol.asyncDispose]());

async function readyz(port: number | undefined): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
}

/** The ids of the stores that the managers report to NATS. */
async function storeIds(): Promise<unknown[]> {
  await using worker = await Worker.connect(servers);
  const ids: unknown[] = [];
  for await (const { metadata } of await worker.nats.services.client().info('mgm-manager'))
    ids.push(metadata?.['storeId']);
  return ids;
}

describe('managers with one store', () => {
  it('report the same id, also after the store lost it', async () => {
    const { manager: one } = await manage(servers);
    const { manager: two } = await manage(servers);
    await using _one = one;
    await using _two = two;
    const [id, other] = await storeIds();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(other).toBe(id);
    const redis = new Redis(servers.redis.url);
    await redis.del('mgm:store-id');
    await eventually(async () => expect(await redis.get('mgm:store-id')).toBe(id), SOON);
    await redis.quit();
    expect([...one.notReadyBecause, ...two.notReadyBecause]).toEqual([]);
  });
});

describe('managers with different stores under one prefix', () => {
  it('log it and are not ready until the other one is gone', async () => {
    const healthPort = String(await freePort());
    const { manager: here, lines } = await manage(servers, { MGM_HEALTH_PORT: healthPort });
    await using _here = here;
    const { manager: there, lines: linesThere } = await manage(servers, {
      ...ELSEWHERE,
      MGM_NAME: 'there',
    });
    await using _there = there;
    const isConflict = ({ msg }: LogLine): boolean => msg.startsWith('another manager uses');
    await eventually(() => {
      expect(here.notReadyBecause).toEqual([
        expect.stringMatching(/^store: there uses another store \(.{36}\) under this prefix$/),
      ]);
      expect(there.notReadyBecause).toHaveLength(1);
    }, SOON);
    expect(await readyz(here.healthPort)).toBe(503);
    expect(lines.filter(isConflict)).toMatchObject([{ level: 'error', other: 'there' }]);
    expect(linesThere.filter(isConflict)).toHaveLength(1);
    await there.stop();
    await eventually(() => expect(here.notReadyBecause).toEqual([]), SOON);
    expect(await readyz(here.healthPort)).toBe(200);
  });

  it('stay ready under different prefixes', async () => {
    const { manager: here, lines } = await manage(servers);
    await using _here = here;
    const { manager: there } = await manage(servers, { ...ELSEWHERE, MGM_PREFIX: 'mgm.other' });
    await using _there = there;
    await using worker = await Worker.connect(servers);
    const rounds = worker.nats.subscribe('mgm.v1.$manager.presence', { max: 3 });
    for await (const _ of rounds);
    expect([...here.notReadyBecause, ...there.notReadyBecause]).toEqual([]);
    expect(lines.map(({ level }) => level)).not.toContain('error');
  });
});

/** A proxy that, once deaf, answers pings itself and passes nothing else on to the client. */
async function startDeafProxy(port: number) {
  const sockets = new Set<Socket>();
  let isDeaf = false;
  const server = createServer((client) => {
    const upstream = connectTcp(port, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    upstream.on('data', (bytes) => isDeaf || client.write(bytes));
    client.on('data', (bytes) => {
      upstream.write(bytes);
      const pings = isDeaf ? bytes.toString('latin1').match(/PING\r\n/g) : null;
      for (const _ of pings ?? []) client.write('PONG\r\n');
    });
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deafen: () => void (isDeaf = true),
    heal: () => void (isDeaf = false),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('a manager that no message reaches', () => {
  it('is not ready, although its connection answers pings', async () => {
    await using proxy = await startDeafProxy(servers.nats.port);
    const behind = { nats: { url: proxy.url }, redis: servers.redis };
    const { manager } = await manage(behind, { MGM_HEALTH_PORT: String(await freePort()) });
    await using _ = manager;
    expect(manager.notReadyBecause).toEqual([]);
    proxy.deafen();
    await eventually(() => {
      expect(manager.notReadyBecause).toEqual([
        'nats: a message of this manager to itself does not arrive',
      ]);
    }, SOON);
    expect(await readyz(manager.healthPort)).toBe(503);
    proxy.heal();
    await eventually(() => expect(manager.notReadyBecause).toEqual([]), SOON);
  });
});

describe('a NATS that denies the subject of managers', () => {
  beforeEach((context) => {
    const isProcess = choice.nats.kind === 'process';
    context.skip(!isProcess, 'permissions are set in a file, which only a process here can read');
  });

  it.each(['publish', 'subscribe'])(
    'to %s leaves a manager serving but not ready',
    async (what) => {
      const folder = await mkdtemp(join(tmpdir(), 'mgm-presence-'));
      const config = join(folder, 'nats.conf');
      const permissions = `{ ${what}: { deny: ["mgm.v1.$manager.presence"] } }`;
      const user = `{ user: manager, password: geheim, permissions: ${permissions} }`;
      await writeFile(config, `authorization { users = [ ${user} ] }`);
      await using nats = await startNats(choice, { args: ['-c', config] });
      const url = `nats://manager:geheim@${nats.host}:${nats.port}`;
      const { manager } = await manage({ nats: { url }, redis: servers.redis });
      await using _ = manager;
      await eventually(() => {
        expect(manager.notReadyBecause).toEqual([
          'nats: it denies this user mgm.v1.$manager.presence',
        ]);
      }, SOON);
      await rm(folder, { recursive: true });
    },
  );
});
