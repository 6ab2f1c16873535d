import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startServers } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { manage, Worker } from './in-process.ts';

const LOOKED_AT_MS = 500;

/** The share of time in which this process was busy, while no requests arrived. */
async function busyPart(): Promise<number> {
  const before = performance.eventLoopUtilization();
  await sleep(LOOKED_AT_MS);
  return performance.eventLoopUtilization(before).utilization;
}

it('is idle after replies and events were sent, whatever their number', async () => {
  await using servers = await startServers();
  const { manager } = await manage(servers);
  await using _managed = manager;
  await using worker = await Worker.connect(servers);
  let events = 0;
  worker.nats.subscribe(worker.subject('event.taken'), { callback: () => events++ });
  const { handle } = await worker.register();
  let last = 0;
  for (const [at, count] of [1, 16, 17, 31, 32, 33, 256, 1024].entries()) {
    const interfaces = Array.from({ length: count }, (_, place) => [last + place + 1]);
    const reply = await worker.ask('take', { handle, seq: at + 1, ack: at + 1, interfaces });
    expect(reply.status).toBe(0);
    last += count;
    await eventually(() => expect(events).toBe(last), { withinMs: 30_000 });
    expect(await busyPart(), `after ${count} interfaces`).toBeLessThan(0.5);
  }
});
