import { chooseServers, startNats, startRedis } from '@mgm/devstack';
import { describe, expect, it } from 'vitest';

const choice = await chooseServers({
  prefer: 'docker',
  natsUrl: 'nats://bus-1:4333,nats://bus-2:4333',
  redisUrl: 'redis://:secret@store',
});

describe('a server given by URL', () => {
  it('is used at its address', async () => {
    const redis = await startRedis(choice);
    const nats = await startNats(choice);
    expect(redis).toMatchObject({
      url: 'redis://:secret@store',
      host: 'store',
      port: 6379,
      source: 'urls',
    });
    expect(nats).toMatchObject({ host: 'bus-1', port: 4333, source: 'urls' });
  });

  it.each(['kill', 'start', 'pause', 'resume'] as const)('refuses to %s', async (verb) => {
    const redis = await startRedis(choice);
    const refused = redis[verb]();
    await expect(refused).rejects.toMatchObject({ code: 'not-ours' });
    await expect(refused).rejects.toThrow(
      `cannot ${verb} redis at store:6379: it was given by URL, so it is not ours to ${verb}`,
    );
  });

  it('is left running by stop', async () => {
    await using redis = await startRedis(choice);
    await expect(redis.stop()).resolves.toBeUndefined();
  });

  it('refuses options that would have no effect', async () => {
    await expect(startNats(choice, { port: 4333 })).rejects.toThrow(
      'nats was given by URL (MGM_NATS_URL), so port would have no effect',
    );
    for (const options of [
      { appendonly: true },
      { dataDir: '/tmp/x' },
      { args: ['--port', '1'] },
    ]) {
      await expect(startRedis(choice, options)).rejects.toMatchObject({ code: 'bad-setting' });
    }
    await expect(startNats(choice, { args: ['-js'] })).rejects.toMatchObject({
      code: 'bad-setting',
    });
  });
});
