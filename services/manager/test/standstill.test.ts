import { setTimeout as delay } from 'node:timers/promises';
import { encodeMessage, type OperationName } from '@mgm/protocol';
import { startServers, type TestServers, managerEnv } from '@mgm/test-support';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { replyIn, Worker, type RawReply } from './in-process.ts';
import { logged, ready, spawnManager, type ManagerProcess } from './process.ts';

/** Long enough that a manager notices that it stood still. */
const PAUSE_MS = 3_000;
const UNAVAILABLE = { status: 1003, reason: 'unavailable', retryable: true };

let servers: TestServers;
beforeAll(async () => (servers = await startServers()));
afterAll(() => servers[Symbol.asyncDispose]());

/** Stops the process, sends the requests while it stands still, and lets it run again. */
async function acrossPause(
  manager: ManagerProcess,
  worker: Worker,
  requests: readonly (readonly [OperationName, object])[],
): Promise<RawReply[]> {
  process.kill(manager.pid, 'SIGSTOP');
  try {
    const replies = requests.map(([operation, fields]) =>
      worker.nats.request(worker.subject(operation), encodeMessage(fields), { timeout: 20_000 }),
    );
    await worker.nats.flush();
    await delay(PAUSE_MS);
    process.kill(manager.pid, 'SIGCONT');
    return (await Promise.all(replies)).map(({ data }) => replyIn(data));
  } finally {
    process.kill(manager.pid, 'SIGCONT');
  }
}

it('a manager that stood still executes none of the requests that were sent meanwhile', async () => {
  await using worker = await Worker.connect(servers);
  await using manager = spawnManager(managerEnv(servers));
  await ready(manager);
  const { handle, session } = await worker.register();
  const take = { handle, seq: 1, ack: 1, ifIndex: 7 };
  const replies = await acrossPause(manager, worker, [
    ['take', take],
    ['keepalive', { handle }],
    ['owner', { ifIndex: 7 }],
    ['register', { protocolId: 0x67, componentId: 2, instance: 'x'.repeat(16) }],
    ['admin.evict', { session, actor: 'noc', why: 'test' }],
  ]);
  for (const reply of replies) expect(reply).toMatchObject(UNAVAILABLE);
  expect(await logged(manager, 'stood still')).toMatchObject({
    level: 'warn',
    pausedMs: expect.any(Number),
  });
  expect(await worker.ask('sessions', {})).toMatchObject({ items: [{ session, interfaces: 0 }] });
  expect(await worker.ask('take', take)).toMatchObject({ status: 0 });
});
