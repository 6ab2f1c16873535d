import { expect, it } from 'vitest';
import { Batcher } from '../src/batcher.ts';
import { metaKey } from '../src/keys.ts';
import { packForScript, row, unpackFromScript } from '../src/script-values.ts';
import { StoreError } from '../src/store-error.ts';
import { storedNumber } from '@mgm/test-support';
import { arbiterForEach, type Arbiter } from './arbiter.ts';

/** The position in a batch of the instant until which the manager vouches. */
const SERVED_UNTIL = 16;

const CLIENT = {
  protocolId: 3,
  componentId: 1,
  isIgmp: false,
  instance: 'an instance of a test',
  name: '',
  ttlMs: 60_000,
  graceMs: 0,
  takeover: false,
  resumes: 0,
  mask: 0,
  secret: 's'.repeat(22),
};

let arbiter: Arbiter;

arbiterForEach((opened) => (arbiter = opened));

/** A manager on the arbiter's router, whose clocks the test moves. It reads the router with `visit`. */
function startManager() {
  let [servedMs, passedMs] = [1, 0];
  let [isReachable, isFull] = [true, false];
  const batcher = new Batcher({
    batchMax: 256,
    queueMax: 100,
    eventRetention: 100_000,
    memoryKeptMs: 600_000,
    limits: {
      sessionsMax: 10,
      interfacesMax: 10,
      operatorEventsMax: 10,
      operatorRetentionMs: 60_000,
      entriesMax: 10,
      mfesMax: 1_000_000,
      routesMax: 1_000,
    },
    servedMs: () => servedMs,
    run: async (router, request, mayGrow) => {
      if (!isReachable) throw new Error('the store is not reachable');
      if (isFull && mayGrow) throw new StoreError('store-full', 'the store is out of memory');
      // In the store the past was moved back instead, so instants are converted.
      const parts = [...row(unpackFromScript(request), 'batch', SERVED_UNTIL + 1)];
      const until = Number(parts[SERVED_UNTIL]);
      if (until > 0) parts[SERVED_UNTIL] = until - passedMs;
      const key = metaKey('mgm', router);
      const [now, ...others] = await arbiter.link.runArbiter(key, packForScript(parts), true);
      return [Buffer.from(String(Number(now) + passedMs)), ...others];
    },
    onDecided: () => {},
  });
  return {
    visit: async () => (await batcher.decide(arbiter.router, 'head', {})).reply,
    serve: (ms: number) => void (servedMs += ms),
    register: async () => {
      return (await batcher.decide(arbiter.router, 'register', CLIENT)).reply;
    },
    setReachable: (value: boolean) => void (isReachable = value),
    setFull: (value: boolean) => void (isFull = value),
    distrust: () => batcher.distrust(),
    /** Time passes on the store's clock. */
    pass: async (ms: number) => {
      passedMs += ms;
      const key = metaKey('mgm', arbiter.router);
      for (const name of ['meta.seenAt', 'meta.servingUntil'] as const) {
        await arbiter.link.command(...storedNumber(key, name, 'add', -ms));
      }
    },
  };
}

/** Registers a session with a lease of a minute and reads the router twice, so that the manager vouches. */
async function serving() {
  await arbiter.client({ ttlMs: 60_000 });
  const manager = startManager();
  await manager.visit();
  await manager.pass(200);
  manager.serve(200);
  await manager.visit();
  return manager;
}

it('runs leases while a manager serves, without a sweep', async () => {
  const manager = await serving();
  const before = (await manager.visit()).dueInMs;
  for (let ms = 0; ms < 30_000; ms += 750) {
    await manager.pass(750);
    manager.serve(750);
    await manager.visit();
  }
  const passed = before - (await manager.visit()).dueInMs;
  expect(passed).toBeGreaterThan(29_500);
  expect(passed).toBeLessThan(31_000);
});

it('counts no time in which the manager did not serve, nor more than the time it served', async () => {
  const manager = await serving();
  const before = (await manager.visit()).dueInMs;
  await manager.pass(3_600_000);
  manager.serve(500);
  const passed = before - (await manager.visit()).dueInMs;
  expect(passed).toBeGreaterThanOrEqual(450);
  expect(passed).toBeLessThan(1_000);
});

it('counts no time when the clock of the store goes back, and none of an outage after it', async () => {
  const manager = await serving();
  const before = (await manager.visit()).dueInMs;
  await manager.pass(-3_600_000);
  manager.serve(750);
  await manager.visit();
  await manager.visit();
  await manager.pass(60_000);
  expect(before - (await manager.visit()).dueInMs).toBeLessThan(1_500);
});

it('counts no time before a batch that failed, or in which the connection was lost', async () => {
  const manager = await serving();
  const before = (await manager.visit()).dueInMs;
  await manager.pass(30_000);
  manager.serve(15_000);
  manager.setReachable(false);
  await expect(manager.visit()).rejects.toThrow('not reachable');
  manager.setReachable(true);
  manager.serve(15_000);
  await manager.visit();
  await manager.pass(30_000);
  manager.serve(30_000);
  manager.distrust();
  expect(before - (await manager.visit()).dueInMs).toBeLessThan(1_000);
});

it('counts no time before a batch that was refused because the store is out of memory', async () => {
  const manager = await serving();
  const before = (await manager.visit()).dueInMs;
  const other = startManager();
  await other.pass(30_000);
  other.setFull(true);
  expect((await other.register()).kind).toBe('store_full');
  other.setFull(false);
  await other.pass(500);
  other.serve(500);
  expect(before - (await other.visit()).dueInMs).toBeLessThan(1_000);
});

it('lets another manager that has no reply of this router yet vouch for nothing', async () => {
  const manager = await serving();
  const before = (await manager.visit()).dueInMs;
  const other = startManager();
  other.serve(3_600_000);
  await other.pass(60_000);
  expect(before - (await other.visit()).dueInMs).toBeLessThan(1_000);
});

it('reports a due sweep when a lease is over, and none without sessions', async () => {
  const manager = startManager();
  expect((await manager.visit()).dueInMs).toBe(-1);
  const client = await arbiter.client({ ttlMs: 1_000, graceMs: 60_000 });
  expect((await manager.visit()).dueInMs).toBeLessThanOrEqual(1_000);
  await manager.pass(1_500);
  manager.serve(1_500);
  expect((await manager.visit()).dueInMs).toBe(0);
  await arbiter.ask('sweep', { most: 10, mostEntries: 10, servingMs: 500 });
  expect((await manager.visit()).dueInMs).toBeGreaterThan(0);
  expect(client.session).toBeGreaterThan(0);
});
