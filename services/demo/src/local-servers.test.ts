import { expect, it } from 'vitest';
import { startLocalServers } from './local-servers.ts';

it.each([
  [
    { natsUrl: 'nats://bus' },
    { natsPort: 4222 },
    'MGM_NATS_URL is set, so --nats-port has no effect',
  ],
  [
    { redisUrl: 'redis://store' },
    { redisPort: 6379 },
    'MGM_REDIS_URL is set, so --redis-port has no effect',
  ],
])('refuses a port for a server given by URL: %j', async (servers, ports, message) => {
  const folder = { path: '', logs: '', redis: '', temporary: '', isKept: false };
  const unused = { keepLogs: () => {}, close: () => Promise.resolve() };
  const starting = startLocalServers({
    ...ports,
    servers,
    folder: { ...folder, ...unused },
    say: () => {},
    signal: new AbortController().signal,
  });
  await expect(starting).rejects.toMatchObject({ code: 'bad-setting', message });
});
