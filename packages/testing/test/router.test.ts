import { ProtocolId, type LossCause } from '@mgm/client';
import { eventually, notBreakable } from '@mgm/test-support';
import { startRouter, type TestRouter } from '@mgm/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const PIM = { protocolId: ProtocolId.PIM, componentId: 1 };
const servers = inject('servers');

describe('a test router', () => {
  let router: TestRouter;
  beforeAll(async () => void (router = await startRouter({ managers: 2, servers })));
  afterAll(async () => await router[Symbol.asyncDispose]());

  it('expires the lease of a worker, which loses its interfaces', async () => {
    await using worker = await router.worker();
    const causes: LossCause[] = [];
    const session = await worker.mgm.registerProtocol({
      ...PIM,
      ttlMs: 1000,
      reregister: false,
      on: { lost: ({ cause }) => void causes.push(cause) },
    });
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const { id } = session;
    await router.expireLease(worker, session);
    expect(ownership.signal.aborted).toBe(true);
    await eventually(() => expect(causes).toEqual(['deadline']), { withinMs: 30_000 });
    const types = (await router.events()).filter((event) => event.session === id);
    // The interface is released in the same sweep or in a later one.
    expect(types.map(({ type }) => type).slice(0, 3)).toEqual(['registered', 'taken', 'expired']);
    await expect(worker.mgm.getProtocolOnInterface({ ifIndex: 7 })).rejects.toMatchObject({
      reason: 'not-found',
    });
  });

  it('says which session does not expire, and heals the link', async () => {
    await using mine = await router.worker();
    await using other = await router.worker();
    // Long enough that the lease of a session that is not cut does not end on a busy machine.
    const session = await other.mgm.registerProtocol({ ...PIM, ttlMs: 3000 });
    const { id } = session;
    await expect(router.expireLease(mine, session)).rejects.toThrow(`session ${id} is still live`);
    await expect(mine.mgm.interfaces().next()).resolves.toEqual({ done: true, value: undefined });
  });

  it('evicts a session with what it holds', async () => {
    await using worker = await router.worker();
    const session = await worker.mgm.registerProtocol({ ...PIM, componentId: 2 });
    await session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    expect(await router.evict(session)).toBe(2);
    await eventually(() => expect(session.state).toBe('over'), { withinMs: 30_000 });
  });

  it('loses the replies of one worker only, whose request still takes effect', async () => {
    await using worker = await router.worker({ timeoutMs: 500 });
    await using observer = await router.worker();
    const session = await worker.mgm.registerProtocol({ ...PIM, componentId: 3 });
    worker.loseReplies();
    const taking = session.takeInterfaceOwnership({ ifIndex: 30 });
    await eventually(() => observer.mgm.getProtocolOnInterface({ ifIndex: 30 }), {
      withinMs: 30_000,
    });
    await worker.heal();
    await expect(taking).resolves.toMatchObject({ ifIndex: 30, isHeld: true });
  });

  it('delays what a worker sends and receives', async () => {
    await using worker = await router.worker();
    worker.delay(50);
    const startedMono = performance.now();
    await worker.mgm.interfaces().next();
    expect(performance.now() - startedMono).toBeGreaterThanOrEqual(99);
  });

  it('gives all events, also more than one page of them', async () => {
    await using worker = await router.worker();
    const session = await worker.mgm.registerProtocol({ ...PIM, componentId: 4 });
    const { rev } = (await router.events()).at(-1) ?? { rev: 0 };
    const refs = Array.from({ length: 2_500 }, (_, at) => ({ ifIndex: 1_000 + at }));
    await session.takeInterfaces(refs);
    const taken = (await router.events(rev)).filter((event) => event.session === session.id);
    expect(taken).toHaveLength(2_500);
    expect(new Set(taken.map((event) => event.ifIndex)).size).toBe(2_500);
  });
});

describe('the managers of a test router', () => {
  it('can be killed, started again, paused and added', async () => {
    await using router = await startRouter({ servers });
    const [first] = router.managers;
    if (!first) throw new Error('no manager');
    await using worker = await router.worker({ deadlineMs: 30_000 });
    const { pid } = first;
    await first.kill();
    await first.restart();
    expect(first.pid).not.toBe(pid);
    await worker.mgm.interfaces().next();
    const second = await router.addManager();
    expect(router.managers).toEqual([first, second]);
    first.pause();
    await worker.mgm.interfaces().next();
    first.resume();
    expect(second.output()).toContain('"msg":"ready"');
  });

  it('are 16 at most', async () => {
    await expect(startRouter({ managers: 17 })).rejects.toThrow('managers: must be 0 to 16');
    await expect(startRouter({ managers: 0.5 })).rejects.toThrow(RangeError);
  });

  it('that do not start are named with their output, and nothing is left', async () => {
    const starting = startRouter({ servers, env: { MGM_BATCH_MAX: '0' } });
    await expect(starting).rejects.toThrow(/did not become ready: MGM_BATCH_MAX=0: must be 1 to/);
  });

  it('must log that they are ready', async () => {
    const starting = startRouter({ servers, env: { MGM_LOG_LEVEL: 'error' } });
    await expect(starting).rejects.toThrow('MGM_LOG_LEVEL: must be info or lower');
  });
});

describe('a lost store', () => {
  it('ends every session, and the managers serve again', async (context) => {
    const reason = notBreakable();
    context.skip(reason !== undefined, reason);
    await using router = await startRouter({ servers });
    await using worker = await router.worker();
    const session = await worker.mgm.registerProtocol({ ...PIM, reregister: false });
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    await router.loseStore();
    await eventually(() => expect(session.state).toBe('over'), { withinMs: 30_000 });
    expect(await Array.fromAsync(worker.mgm.interfaces())).toEqual([]);
  });
});
