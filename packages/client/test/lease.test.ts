import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startNats, startTcpProxy } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { connect as connectNats } from '@mgm/nats';
import { describe, expect, inject, it } from 'vitest';
import {
  connect,
  type Measurement,
  type Ownership,
  type Session,
  type SessionEvents,
} from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const WORKER = fileURLToPath(new URL('blocked-worker.ts', import.meta.url));

/** The events of a session so far. */
function eventsOf(session: Session) {
  const emitted: (keyof SessionEvents)[] = [];
  for (const name of ['jeopardy', 'safe', 'lost', 'recovered', 'ended'] as const) {
    session.on(name, () => void emitted.push(name));
  }
  return emitted;
}

/** A client behind a proxy. */
async function behindProxy() {
  const scope = new AsyncDisposableStack();
  const proxy = scope.use(await startTcpProxy({ port: stage.servers.nats.port }));
  const router = newRouterName();
  const servers = `nats://${proxy.host}:${proxy.port}`;
  const mgm = scope.use(await stage.client({ servers, router }));
  const watcher = scope.use(await stage.client({ router }));
  return { proxy, mgm, watcher, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

describe('a session with the shortest lease', () => {
  it('lives for several of them, with a keepalive every third', async () => {
    let keepalives = 0;
    // A repeat of one without a reply is not another keepalive.
    const onMeasure = ({ kind }: Measurement): void => void (kind === 'keepalive' && keepalives++);
    await using mgm = await stage.client({ onMeasure });
    await using session = await mgm.registerProtocol(pim({ ttlMs: 1_000 }));
    const startMono = performance.now();
    const { signal, epoch } = await session.takeInterfaceOwnership({ ifIndex: 7 });
    await eventually(() => expect(performance.now() - startMono).toBeGreaterThan(3_500), MS);
    const lifeMs = performance.now() - startMono;
    expect(signal.aborted).toBe(false);
    expect(await mgm.validateEpoch({ ifIndex: 7, epoch })).toMatchObject({ valid: true });
    // The interval varies by a tenth, and on a busy machine each one is sent somewhat late.
    expect(keepalives).toBeGreaterThanOrEqual(Math.floor(lifeMs / 500));
    expect(keepalives).toBeLessThanOrEqual(Math.ceil(lifeMs / 300) + 1);
  });
});

// These tests mostly wait, each behind a proxy or on a router of its own, so they run concurrently.
it.concurrent(
  'a session lives although a round trip takes more than half of its lease',
  async () => {
    await using at = await behindProxy();
    const { proxy, mgm } = at;
    // A renewal has 0.05 to 0.1 of the lease to spare: a busy machine may need some of it.
    const ttlMs = 6_000;
    await using session = await mgm.registerProtocol(pim({ ttlMs }));
    const emitted = eventsOf(session);
    proxy.latencyMs(0.26 * ttlMs);
    await eventually(() => expect(emitted.slice(3)).not.toEqual([]), MS);
    proxy.latencyMs(0);
    expect(new Set(emitted)).toEqual(new Set(['jeopardy', 'safe']));
  },
);

describe.concurrent('a worker that is cut off', () => {
  it('is in jeopardy, then has lost everything before another session can take it', async () => {
    await using at = await behindProxy();
    const { proxy, mgm, watcher } = at;
    const session = await mgm.registerProtocol(pim({ ttlMs: 2_000 }));
    await using rival = await watcher.registerProtocol(pim());
    const emitted = eventsOf(session);
    const { signal } = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const order: string[] = [];
    signal.addEventListener('abort', () => void order.push('lost'));
    proxy.blackhole();
    await next(session, 'jeopardy');
    expect(signal.aborted).toBe(false);
    expect(session.state).toBe('jeopardy');
    expect(session.deadlineInMs).toBeGreaterThan(0);
    await eventually(() => rival.takeInterfaceOwnership({ ifIndex: 7 }), MS);
    order.push('taken by another');
    expect(order).toEqual(['lost', 'taken by another']);
    expect(emitted).toEqual(['jeopardy', 'lost']);
    expect(signal.reason).toMatchObject({ code: 'MGM_SESSION_LOST' });
    await proxy.heal();
    expect(await errorOf(session.takeInterfaceOwnership({ ifIndex: 8 }))).toMatchObject({
      code: 'MGM_SESSION_LOST',
    });
    await eventually(() => expect(session.state).toBe('over'), MS);
    expect(emitted).toEqual(['jeopardy', 'lost', 'ended']);
  });

  it('continues if the silence ends in time', async () => {
    await using at = await behindProxy();
    const { proxy, mgm } = at;
    const session = await mgm.registerProtocol(pim({ ttlMs: 3_000 }));
    const emitted = eventsOf(session);
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    proxy.blackhole();
    await next(session, 'jeopardy');
    const safe = next(session, 'safe');
    await proxy.heal();
    await safe;
    expect(ownership.isHeld).toBe(true);
    expect(emitted).toEqual(['jeopardy', 'safe']);
  });

  it('renews immediately when a broken connection is restored', async () => {
    await using at = await behindProxy();
    const { proxy, mgm } = at;
    await using session = await mgm.registerProtocol(pim({ ttlMs: 60_000 }));
    await proxy.refuse();
    await eventually(() => expect(mgm.isConnected).toBe(false), MS);
    const deadlineMono = () => performance.now() + session.deadlineInMs;
    const before = deadlineMono();
    await proxy.heal();
    // It moves by the duration of the outage, at least by the pause before a reconnect.
    await eventually(() => expect(deadlineMono()).toBeGreaterThan(before + 50), MS);
  });
});

describe.concurrent('a worker whose thread hung for longer than its lease', () => {
  it('finds it lost before it can act or send anything', async () => {
    const router = newRouterName();
    await using watcher = await stage.client({ router });
    const bus = await connectNats({ servers: stage.servers.nats.url });
    const sent: string[] = [];
    bus.subscribe(`mgm.v1.${router}.*`, { callback: (_e, { subject }) => void sent.push(subject) });
    await bus.flush();
    const args = ['--conditions=@mgm/source', WORKER, stage.servers.nats.url, router, '4500'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual({
      before: false,
      after: { aborted: true, isHeld: false, state: 'over' },
      take: 'MGM_SESSION_LOST',
      outcome: 'not-done',
      release: 'MGM_NOT_OWNER',
    });
    const operations = sent.map((subject) => subject.split('.').at(-1));
    expect(operations.filter((one) => one === 'take')).toHaveLength(1);
    expect(operations).not.toContain('release');
    expect(operations).not.toContain('deregister');
    expect(await Array.fromAsync(watcher.interfaces())).toEqual([]);
    await bus.close();
  });
});

it.concurrent(
  'a recovery regains nothing that is listed only after the lease of the new session is over',
  async () => {
    await using nats = await startNats(inject('servers'));
    await using manager = await scriptedManager(nats.url);
    manager.script('register', () => ({
      ...{
        handle: 'secret',
        session: 77,
        ttlMs: 1_000,
        graceMs: 0,
        mailbox: 0,
        epoch: '9',
        owned: 1,
      },
      resumed: true,
    }));
    manager.script('events', () => ({ events: [], head: 0, first: 1, log: 'log-1' }));
    manager.script('keepalive', () => undefined);
    manager.script('interfaces', (_, answer) => {
      const item = { protocolId: 1, componentId: 1, session: 77, name: '', epoch: '9', since: 1 };
      const page = { items: [{ ...item, stale: false, ifIndex: 7, nextHop: '' }], log: 'log-1' };
      setTimeout(() => answer(page), manager.of('register').length > 1 ? 1_500 : 0);
    });
    await using mgm = await connect({ servers: nats.url, router: 'r1', timeoutMs: 10_000 });
    const session = await mgm.registerProtocol({ protocolId: 1, componentId: 1, reregister: true });
    const regained = await new Promise<readonly Ownership[]>((resolve) => {
      session.on('recovered', (recovered) => resolve(recovered.regained));
    });
    expect(regained.map(({ ifIndex }) => ifIndex)).toEqual([7]);
    expect(regained.filter(({ isHeld }) => isHeld)).toEqual([]);
  },
);

// Not concurrent: it pauses the manager of all tests.
describe('a manager that stops answering', () => {
  it('costs nothing if it continues within the lease', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 6_000 }));
    const emitted = eventsOf(session);
    stage.manager.pause();
    const take = session.takeInterfaceOwnership({ ifIndex: 7 });
    const early = await errorOf(
      session.takeInterfaceOwnership({ ifIndex: 8 }, { deadlineMs: 300 }),
    );
    expect(early).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown' });
    stage.manager.resume();
    expect((await take).isHeld).toBe(true);
    const again = await session.takeInterfaceOwnership({ ifIndex: 8 });
    expect(again.isHeld).toBe(true);
    expect(emitted).not.toContain('lost');
  });
});
