import { startNats, startRedis } from '@mgm/devstack';
import { encodeMessage } from '@mgm/protocol';
import { startServers, type TestServers, managerEnv } from '@mgm/test-support';
import { createInbox } from '@mgm/nats';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { hang } from './hang.ts';
import { replyIn, Worker, type LogLine } from './in-process.ts';
import { logged, ready, spawnManager } from './process.ts';

const choice = inject('servers');
const IN_FLIGHT = 256;
const EXIT_WITHIN_MS = 5_000;
/** Silence that means that nothing more is answered: far above a pause of a busy machine. */
const SILENT_MS = 30_000;

describe('a manager process', () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  it('loses no request when it is stopped under load', async () => {
    await using worker = await Worker.connect(servers);
    await using staying = spawnManager(managerEnv(servers, { MGM_NAME: 'staying' }));
    await ready(staying);
    for (let round = 1; round <= 5; round++) {
      await using leaving = spawnManager(managerEnv(servers, { MGM_NAME: `leaving-${round}` }));
      await ready(leaving);
      const load = await takeWithoutPause(worker, round);
      await load.answeredMore(2_000);
      const { code, ms } = await leaving.end('SIGTERM');
      await load.answeredMore(500);
      await load.end();
      expect(load.unanswered()).toEqual([]);
      expect(load.refused).toEqual([]);
      expect({ code, stderr: leaving.stderr }).toEqual({ code: 0, stderr: '' });
      expect(ms).toBeLessThan(EXIT_WITHIN_MS);
      expect(leaving.lines.at(-1)).toMatchObject({ msg: 'stopped' });
      expect(leaving.lines.map(({ level }) => level)).not.toContain('warn');
      // Else it was shown of a manager that had nothing to do.
      expect(changesIn(leaving.lines)).toBeGreaterThan(100);
    }
    expect((await staying.end('SIGTERM')).code).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    await using manager = spawnManager(managerEnv(servers));
    await ready(manager);
    const { code, ms } = await manager.end(signal);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(EXIT_WITHIN_MS);
  });

  it('ends with 2 and a line per problem for a wrong configuration, before it connects', async () => {
    await using manager = spawnManager({ MGM_BATCH_MAX: '0', MGM_BACH_MAX: '1' });
    expect(await manager.exit()).toBe(2);
    expect(manager.stderr).toBe(
      'MGM_BACH_MAX: is not a variable of the manager; did you mean MGM_BATCH_MAX?\n' +
        'MGM_BATCH_MAX=0: must be 1 to 1024\n',
    );
    expect(manager.lines).toEqual([]);
  });

  it('ends with 1 and a reason when its health port is in use', async () => {
    const port = String(servers.redis.port);
    const env = { MGM_HEALTH_PORT: port, MGM_HEALTH_HOST: servers.redis.host };
    await using manager = spawnManager(managerEnv(servers, env));
    expect(await manager.exit()).toBe(1);
    expect(manager.lines.at(-1)).toMatchObject({
      level: 'fatal',
      err: { message: expect.stringContaining('EADDRINUSE') },
    });
  });
});

// Servers given by URL cannot be stopped.
describe.skipIf(choice.redis.kind === 'given' || choice.nats.kind === 'given')(
  'asked to end',
  () => {
    it('while Redis was never reachable, a manager ends with 0', async () => {
      await using redis = await startRedis(choice);
      await using nats = await startNats(choice);
      await redis.kill();
      await using manager = spawnManager(managerEnv({ redis, nats }));
      await logged(manager, 'waiting for redis');
      expect(await manager.end('SIGTERM')).toMatchObject({ code: 0 });
    });

    it('while NATS hangs, a manager ends in time and logs that requests may have no reply', async () => {
      await using redis = await startRedis(choice);
      await using nats = await startNats(choice);
      const quick = { MGM_SHUTDOWN_MS: '1000', MGM_STORE_TIMEOUT_MS: '500' };
      await using manager = spawnManager(managerEnv({ redis, nats }, quick));
      await ready(manager);
      await hang(nats);
      const { code, ms } = await manager.end('SIGTERM');
      await nats.resume();
      expect(code).toBe(0);
      expect(ms).toBeLessThan(2_500);
      expect(manager.lines.map(({ msg }) => msg)).toContain(
        'stopped before all requests had a reply',
      );
    });

    it('twice, a manager ends immediately', async () => {
      await using redis = await startRedis(choice);
      await using nats = await startNats(choice);
      const slow = { MGM_SHUTDOWN_MS: '30000' };
      await using manager = spawnManager(managerEnv({ redis, nats }, slow));
      await ready(manager);
      await hang(nats);
      manager.send('SIGTERM');
      await logged(manager, 'stopping');
      const { code, ms } = await manager.end('SIGTERM');
      await nats.resume();
      expect(code).toBe(143);
      expect(ms).toBeLessThan(1_000);
    });
  },
);

interface Load {
  readonly refused: readonly object[];
  unanswered(): number[];
  /** Resolves when this many more requests have a reply. */
  answeredMore(count: number): Promise<void>;
  /** Sends no more; resolves when everything is answered, or nothing has been for a long time. */
  end(): Promise<void>;
}

/** Takes one interface after the other, many at once, each request sent exactly once. */
async function takeWithoutPause(worker: Worker, componentId: number): Promise<Load> {
  const { handle } = await worker.register({ componentId, ttlMs: 60_000 });
  const inbox = createInbox();
  const waiting = new Set<number>();
  const refused: object[] = [];
  let seq = 0;
  let sending = true;
  let answered = 0;
  let lastAnswerMono = performance.now();

  const oldestWaiting = (): number => waiting.values().next().value ?? seq;
  const send = (): void => {
    seq++;
    waiting.add(seq);
    const fields = { handle, seq, ack: oldestWaiting(), ifIndex: componentId * 1_000_000 + seq };
    const reply = `${inbox}.${seq}`;
    worker.nats.publish(worker.subject('take'), encodeMessage(fields), { reply });
  };
  const answers = worker.nats.subscribe(`${inbox}.*`, {
    callback: (_, message) => {
      const number = Number(message.subject.split('.').at(-1));
      const reply = replyIn(message.data);
      if (reply.status !== 0) refused.push({ number, ...reply });
      if (!waiting.delete(number)) refused.push({ number, twice: true });
      answered++;
      lastAnswerMono = performance.now();
      if (sending) send();
    },
  });
  for (let lane = 0; lane < IN_FLIGHT; lane++) send();

  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await worker.nats.flush();
  };
  return {
    refused,
    unanswered: () => [...waiting],
    answeredMore: async (count) => {
      const enough = answered + count;
      const silent = (): boolean => performance.now() - lastAnswerMono > SILENT_MS;
      await until(() => answered >= enough || silent());
    },
    end: async () => {
      sending = false;
      await until(() => waiting.size === 0 || performance.now() - lastAnswerMono > SILENT_MS);
      answers.unsubscribe();
    },
  };
}

/** The number of logged changes of an owner: a line stands for one, or has a count. */
function changesIn(lines: readonly LogLine[]): number {
  const ofOwner = lines.filter(({ msg }) => msg === 'owner changed');
  return ofOwner.reduce((sum, { count = 1 }) => sum + Number(count), 0);
}
