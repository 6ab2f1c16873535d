import { setImmediate as turn } from 'node:timers/promises';
import { decodeMessage, routerName, subjectsUnder } from '@mgm/protocol';
import type { Publication } from '@mgm/store';
import pino from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Metrics } from './health/metrics.ts';
import { Publisher } from './publisher.ts';

/** Changes of one session with consecutive revisions. */
function changes(first: number, count: number): Publication {
  const numbers = Array.from({ length: count }, (_, at) => first + at);
  const run = {
    first,
    type: 'released',
    session: 1,
    protocolId: 103,
    componentId: 1,
    cause: 'expire',
    epochs: numbers.map(String),
    interfaces: numbers.map((ifIndex) => ({ ifIndex, nextHop: '' })),
  };
  const publication = {
    router: routerName('r1'),
    log: 'log',
    ts: 1,
    runs: [run],
    callbacks: [],
    losses: [],
    memberRuns: [],
    alerts: [],
    fib: [],
  };
  return publication as unknown as Publication;
}

function start() {
  const sent: number[] = [];
  const bus = {
    publish: (_: string, bytes: Uint8Array) => {
      const decoded = decodeMessage(bytes);
      if (decoded.kind === 'message') sent.push(Number(decoded.value['rev']));
    },
  };
  const parts = { bus, subjects: subjectsUnder(), log: pino({ level: 'silent' }) };
  return { sent, publisher: new Publisher({ ...parts, metrics: new Metrics() }) };
}

/** Spies on scheduled turns of the event loop until the end of the test. */
function watchTurns() {
  const scheduled = vi.spyOn(globalThis, 'setImmediate');
  onTestFinished(() => scheduled.mockRestore());
  return scheduled;
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

it('sends few changes in the same turn of the event loop', async () => {
  const { sent, publisher } = start();
  publisher.publish(changes(1, 3));
  expect(sent).toEqual([]);
  await Promise.resolve();
  process.nextTick(() => {});
  await turn();
  expect(sent).toEqual(upTo(3));
});

it('sends many changes in pieces, and later ones after them', async () => {
  const { sent, publisher } = start();
  publisher.publish(changes(1, 100));
  const sizes: number[] = [];
  while (sent.length < 102 && sizes.length < 20) {
    const before = sent.length;
    await turn();
    sizes.push(sent.length - before);
    if (sizes.length === 3) publisher.publish(changes(101, 2));
  }
  expect(sent).toEqual(upTo(102));
  expect(sizes).toEqual([32, 32, 32, 6]);
});

it('keeps up with any number of changes per turn', async () => {
  const { sent, publisher } = start();
  let next = 1;
  for (let at = 0; at < 40; at++) {
    for (let more = 0; more < 5; more++, next += 100) publisher.publish(changes(next, 100));
    await turn();
  }
  expect(next - 1 - sent.length).toBeLessThan(4_000);
  publisher.flush();
  expect(sent).toEqual(upTo(next - 1));
});

it('sends everything that is queued when it is flushed', async () => {
  const { sent, publisher } = start();
  publisher.publish(changes(1, 100));
  await turn();
  publisher.publish(changes(101, 50));
  publisher.flush();
  expect(sent).toEqual(upTo(150));
  await turn();
  publisher.publish(changes(151, 1));
  await turn();
  expect(sent).toEqual(upTo(151));
});

it('schedules nothing more after any number of changes', async () => {
  const { sent, publisher } = start();
  const scheduled = watchTurns();
  const restless: number[] = [];
  for (let count = 1, first = 1; count <= 100; first += count, count++) {
    publisher.publish(changes(first, count));
    while (sent.length < first + count - 1) await turn();
    await turn();
    scheduled.mockClear();
    await turn();
    if (scheduled.mock.calls.length > 0) restless.push(count);
  }
  expect(restless).toEqual([]);
});

it('schedules nothing more after a flush', async () => {
  const { publisher } = start();
  const scheduled = watchTurns();
  publisher.publish(changes(1, 100));
  publisher.flush();
  await turn();
  scheduled.mockClear();
  await turn();
  expect(scheduled).not.toHaveBeenCalled();
});
