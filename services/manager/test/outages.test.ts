import { freePort, startNats, startRedis } from '@mgm/devstack';
import { eventually, startStopwatch, managerEnv } from '@mgm/test-support';
import { loadConfig, startManager } from '@mgm/manager';
import { describe, expect, inject, it } from 'vitest';
import { hang } from './hang.ts';
import { keptLog, manage, Worker, type LogLine, type RawReply } from './in-process.ts';

const choice = inject('servers');
/** Long enough that requests of one moment arrive before the manager notices that Redis hangs, also on a busy machine. */
const STORE_TIMEOUT_MS = '2000';
const ANSWER_WITHIN_MS = 1_500;
const HEALED_WITHIN_MS = 30_000;
const UNAVAILABLE = {
  status: 1003,
  error: 'ERROR_CAN_NOT_COMPLETE',
  reason: 'unavailable',
  retryable: true,
};

/** The logged messages about a server, in order. */
function messagesAbout(lines: readonly LogLine[], server: 'nats' | 'redis'): string[] {
  return lines.map(({ msg }) => msg).filter((msg) => msg.includes(server));
}

async function timed(request: Promise<RawReply>): Promise<{ reply: RawReply; ms: number }> {
  using watch = startStopwatch();
  const reply = await request;
  return { reply, ms: watch.elapsedMs() };
}

async function healthOf(port: number | undefined): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
  return { status: answer.status, body: await answer.json() };
}

// Servers given by URL cannot be stopped.
describe.skipIf(choice.redis.kind === 'given' || choice.nats.kind === 'given')('a manager', () => {
  it('waits for a Redis that is down at its start, logs it once, and receives no requests until then', async () => {
    await using redis = await startRedis(choice);
    await using nats = await startNats(choice);
    await redis.kill();
    const { log, lines } = keptLog();
    const healthPort = await freePort();
    const config = loadConfig(managerEnv({ redis, nats }, { MGM_HEALTH_PORT: String(healthPort) }));
    const starting = startManager(config, { log });
    await eventually(() => expect(messagesAbout(lines, 'redis')).toEqual(['waiting for redis']), {
      withinMs: HEALED_WITHIN_MS,
    });
    await using worker = await Worker.connect({ redis, nats });
    await expect(worker.ask('owner', { ifIndex: 7 })).rejects.toThrow('503');
    expect(await healthOf(healthPort)).toMatchObject({
      status: 503,
      body: { ready: false, reasons: [expect.stringMatching(/^redis: /), 'starting'] },
    });
    await redis.start();
    await using manager = await starting;
    expect(manager.notReadyBecause).toEqual([]);
    expect(await healthOf(healthPort)).toEqual({ status: 200, body: { ready: true, reasons: [] } });
    expect(await worker.ask('owner', { ifIndex: 7 })).toMatchObject({ status: 1168 });
    expect(messagesAbout(lines, 'redis')).toEqual(['waiting for redis', 'redis connected']);
  });

  it('waits for a NATS that is down at its start, and logs it once', async () => {
    await using redis = await startRedis(choice);
    await using nats = await startNats(choice);
    await nats.kill();
    const { log, lines } = keptLog();
    const starting = startManager(loadConfig(managerEnv({ redis, nats })), { log });
    await eventually(() => expect(messagesAbout(lines, 'nats')).toEqual(['waiting for nats']), {
      withinMs: HEALED_WITHIN_MS,
    });
    await nats.start();
    await using manager = await starting;
    await using worker = await Worker.connect({ redis, nats });
    expect(manager.notReadyBecause).toEqual([]);
    expect(await worker.ask('owner', { ifIndex: 7 })).toMatchObject({ status: 1168 });
    expect(messagesAbout(lines, 'nats')).toEqual(['waiting for nats', 'nats connected']);
  });

  it('replies 1003 unavailable immediately while Redis is down, and serves again by itself', async () => {
    await using redis = await startRedis(choice, { appendonly: true });
    await using nats = await startNats(choice);
    const { manager, lines } = await manage({ redis, nats });
    await using _ = manager;
    await using worker = await Worker.connect({ redis, nats });
    const { rev, handle } = await worker.register();
    await redis.kill();
    for (let seq = 1; seq <= 5; seq++) {
      const { reply, ms } = await timed(worker.ask('take', { handle, seq, ack: seq, ifIndex: 7 }));
      expect(reply).toMatchObject({ ...UNAVAILABLE, rev });
      expect(ms).toBeLessThan(ANSWER_WITHIN_MS);
    }
    expect(manager.notReadyBecause).toEqual([expect.stringMatching(/^redis: /)]);
    expect(await worker.ask('owner', {})).toMatchObject({ status: 87, field: 'ifIndex', rev });
    await redis.start();
    const taken = await eventually(
      async () => {
        const reply = await worker.ask('take', { handle, seq: 6, ack: 6, ifIndex: 7 });
        expect(reply).toMatchObject({ status: 0 });
        return reply;
      },
      { withinMs: HEALED_WITHIN_MS },
    );
    expect(taken.rev).toBe(rev + 1);
    expect(messagesAbout(lines, 'redis')).toEqual(['redis connected', 'redis lost', 'redis back']);
    expect(manager.notReadyBecause).toEqual([]);
  });

  it('replies in time while Redis hangs, and says what may have happened', async () => {
    await using redis = await startRedis(choice);
    await using nats = await startNats(choice);
    const { manager, lines } = await manage(
      { redis, nats },
      { MGM_STORE_TIMEOUT_MS: STORE_TIMEOUT_MS },
    );
    await using _ = manager;
    await using worker = await Worker.connect({ redis, nats });
    const { handle } = await worker.register();
    await hang(redis);
    const asked = [
      timed(worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 })),
      timed(worker.ask('owner', { ifIndex: 7 })),
      timed(worker.ask('keepalive', { handle })),
      timed(worker.register({ componentId: 2 })),
      timed(worker.ask('owner', {})),
    ];
    const [take, owner, keepalive, register, wrong] = await Promise.all(asked);
    const replies = [take, owner, keepalive, register, wrong];
    for (const one of replies)
      expect(one?.ms).toBeLessThan(Number(STORE_TIMEOUT_MS) + ANSWER_WITHIN_MS);
    expect(take?.reply).toMatchObject({ status: 1003, reason: 'indeterminate' });
    expect(register?.reply).toMatchObject({ status: 1003, reason: 'indeterminate' });
    expect(owner?.reply).toMatchObject(UNAVAILABLE);
    expect(keepalive?.reply).toMatchObject(UNAVAILABLE);
    expect(wrong?.reply).toMatchObject({ status: 87, field: 'ifIndex' });
    await redis.resume();
    await eventually(
      async () => {
        const again = await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
        expect(again).toMatchObject({ status: 0 });
      },
      { withinMs: HEALED_WITHIN_MS },
    );
    expect(messagesAbout(lines, 'redis')).toEqual(['redis connected', 'redis lost', 'redis back']);
  });

  it('reconnects after NATS was killed, and logs it once', async () => {
    await using redis = await startRedis(choice);
    await using nats = await startNats(choice);
    const { manager, lines } = await manage({ redis, nats });
    await using _ = manager;
    await nats.kill();
    await eventually(
      () => expect(manager.notReadyBecause).toEqual([expect.stringMatching(/^nats: /)]),
      {
        withinMs: HEALED_WITHIN_MS,
      },
    );
    await nats.start();
    await eventually(() => expect(manager.notReadyBecause).toEqual([]), {
      withinMs: HEALED_WITHIN_MS,
    });
    await using worker = await Worker.connect({ redis, nats });
    expect(await worker.ask('owner', { ifIndex: 7 })).toMatchObject({ status: 1168 });
    expect(messagesAbout(lines, 'nats')).toEqual(['nats connected', 'nats lost', 'nats back']);
  });

  it('lets no lease expire while workers cannot reach it', async () => {
    await using redis = await startRedis(choice);
    await using nats = await startNats(choice);
    const { manager, lines } = await manage({ redis, nats });
    await using _ = manager;
    await using worker = await Worker.connect({ redis, nats });
    const { handle, ttlMs } = await worker.register({ ttlMs: 3000 });
    await hang(nats);
    const pausedMono = performance.now();
    await eventually(
      () => expect(performance.now() - pausedMono).toBeGreaterThan(Number(ttlMs) * 1.5),
      {
        withinMs: HEALED_WITHIN_MS,
      },
    );
    await nats.resume();
    await eventually(
      async () =>
        expect(await worker.ask('keepalive', { handle }, 500)).toMatchObject({ status: 0 }),
      { withinMs: HEALED_WITHIN_MS },
    );
    expect(lines.filter(({ to }) => to === 'expired')).toEqual([]);
  });

  it.each(['redis', 'nats'] as const)('can be stopped while it waits for %s', async (down) => {
    await using redis = await startRedis(choice);
    await using nats = await startNats(choice);
    await (down === 'redis' ? redis : nats).kill();
    const { log, lines } = keptLog();
    const giveUp = new AbortController();
    const config = loadConfig(managerEnv({ redis, nats }));
    const starting = startManager(config, { log, signal: giveUp.signal });
    const gaveUp = expect(starting).rejects.toThrow('enough');
    await eventually(() => expect(messagesAbout(lines, down)).toEqual([`waiting for ${down}`]), {
      withinMs: HEALED_WITHIN_MS,
    });
    giveUp.abort(new Error('enough'));
    await gaveUp;
    expect(lines.at(-1)).toMatchObject({ msg: 'stopped' });
  });
});
