import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startServers } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { manage, Worker } from './in-process.ts';

const LOOKED_AT_MS = 500;

/** The part of this process's time in which it was busy, while nobody asked it for anything. */
async function busyPart(): Promise<number> {
  const before = performance.eventLoopUtilization();
  await sleep(LOOKED_AT_MS);
  return performance.eventLoopUtilization(before).utilization;
}

it('rests when all is answered and told, however much that was at once', async () => {
  await using servers = await startServers();
  const { manager } = await manage(servers);
  await using _managed = manager;
  await using worker = await Worker.connect(servers);
  let told = 0;
  worker.nats.subscribe(worker.subject('event.taken'), { callback: () => told++ });
  const { handle } = await worker.register({ ttlMs: 60_000 });
  let last = 0;
  for (const [at, count] of [1, 16, 17, 31, 32, 33, 256, 1024].entries()) {
    const interfaces = Array.from({ length: count }, (_, place) => [last + place + 1]);
    const reply = await worker.ask('take', { handle, seq: at + 1, ack: at + 1, interfaces });
    expect(reply.status).toBe(0);
    last += count;
    await eventually(() => expect(told).toBe(last), { withinMs: 5_000 });
    expect(await busyPart(), `after ${count} at once`).toBeLessThan(0.5);
  }
});
