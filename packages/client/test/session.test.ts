import { startTcpProxy } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { errorOf } from './error-of.ts';
import { clientStage, DVMRP, IGMP, next, PIM, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

describe('an interface', () => {
  it('has one owner, and a refusal names it', async () => {
    await using mgm = await stage.client();
    await using first = await mgm.registerProtocol(pim({ name: 'pim-1' }));
    await using second = await mgm.registerProtocol(pim({ name: 'pim-2', protocolId: DVMRP }));
    await using ownership = await first.takeInterfaceOwnership({ ifIndex: 7, nextHop: '10.0.0.1' });
    expect(ownership).toMatchObject({ ifIndex: 7, nextHop: '10.0.0.1', isHeld: true });
    const error = await errorOf(second.takeInterfaceOwnership({ ifIndex: 7, nextHop: 0x0a000001 }));
    expect(error).toMatchObject({
      code: 'MGM_ALREADY_OWNED',
      status: 183,
      error: 'ERROR_ALREADY_EXISTS',
      outcome: 'not-done',
      operation: 'take',
      interface: { ifIndex: 7, nextHop: '10.0.0.1' },
      holder: { protocolId: PIM, name: 'pim-1', session: first.id, epoch: ownership.epoch },
    });
    await ownership.release();
    expect(ownership.isHeld).toBe(false);
    const later = await second.takeInterfaceOwnership({ ifIndex: 7, nextHop: '10.0.0.1' });
    expect(BigInt(later.epoch)).toBeGreaterThan(BigInt(ownership.epoch));
  });

  it('is released with its block, and with that of its session', async () => {
    await using mgm = await stage.client();
    {
      await using session = await mgm.registerProtocol(pim());
      {
        await using ownership = await session.takeInterfaceOwnership({ ifIndex: 1 });
        await session.takeInterfaceOwnership({ ifIndex: 2 });
        expect((await mgm.getProtocolOnInterface({ ifIndex: 1 })).epoch).toBe(ownership.epoch);
      }
      const free = await errorOf(mgm.getProtocolOnInterface({ ifIndex: 1 }));
      expect(free).toMatchObject({ code: 'MGM_NOT_FOUND', status: 1168 });
      expect((await mgm.getProtocolOnInterface({ ifIndex: 2 })).session).toBe(session.id);
    }
    expect(await errorOf(mgm.getProtocolOnInterface({ ifIndex: 2 }))).toMatchObject({
      code: 'MGM_NOT_FOUND',
    });
    expect(await Array.fromAsync(mgm.sessions())).toEqual([]);
  });

  it('can not be taken twice by one session', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const again = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    expect(again).toMatchObject({ code: 'MGM_ALREADY_TAKEN', status: 183 });
    expect(ownership.isHeld).toBe(true);
  });

  it('can not be released by a session that does not hold it', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await using other = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    expect(await errorOf(other.releaseInterfaceOwnership({ ifIndex: 7 }))).toMatchObject({
      code: 'MGM_NOT_OWNER',
      status: 87,
    });
    expect(await errorOf(other.releaseInterfaceOwnership({ ifIndex: 8 }))).toMatchObject({
      code: 'MGM_NOT_FOUND',
      status: 87,
    });
  });

  it('released twice through its ownership has the first outcome', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    await Promise.all([ownership.release(), ownership.release()]);
    await ownership.release();
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    await session.releaseInterfaceOwnership({ ifIndex: 7 });
    expect(await errorOf(session.releaseInterfaceOwnership({ ifIndex: 7 }))).toMatchObject({
      code: 'MGM_NOT_FOUND',
    });
  });

  it('is shared with IGMP, whose hold has an epoch of its own', async () => {
    await using mgm = await stage.client();
    await using igmp = await mgm.registerProtocol(pim({ protocolId: IGMP }));
    await using owner = await mgm.registerProtocol(pim());
    await using hold = await igmp.takeInterfaceOwnership({ ifIndex: 7 });
    await using ownership = await owner.takeInterfaceOwnership({ ifIndex: 7 });
    expect(hold.isHeld).toBe(true);
    expect(await mgm.getProtocolOnInterface({ ifIndex: 7 })).toMatchObject({
      protocolId: PIM,
      epoch: ownership.epoch,
      igmp: { protocolId: IGMP, session: igmp.id, epoch: hold.epoch },
    });
  });
});

describe('thousands of interfaces', () => {
  it('are taken, listed and released in bulk', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await using other = await mgm.registerProtocol(pim());
    await other.takeInterfaceOwnership({ ifIndex: 1_500 });
    const refs = Array.from({ length: 2_500 }, (_, at) => ({ ifIndex: at + 1 }));
    const results = await session.takeInterfaces(refs);
    const failed = results.filter(({ kind }) => kind === 'failed');
    expect(failed).toMatchObject([{ ifIndex: 1_500, error: { code: 'MGM_ALREADY_OWNED' } }]);
    const listed = await Array.fromAsync(mgm.interfaces({ session: session.id, limit: 1_000 }));
    expect(new Set(listed.map(({ ifIndex }) => ifIndex)).size).toBe(2_499);
    expect(session.ownerships).toHaveLength(2_499);
    const released = await session.releaseInterfaces(refs);
    expect(released.filter(({ kind }) => kind === 'released')).toHaveLength(2_499);
    expect(session.ownerships).toEqual([]);
  });
});

describe('a session', () => {
  it('is the only one of its pair', async () => {
    await using mgm = await stage.client();
    const options = pim();
    await using session = await mgm.registerProtocol(options);
    expect(await errorOf(mgm.registerProtocol(options))).toMatchObject({
      code: 'MGM_ALREADY_REGISTERED',
      status: 183,
    });
    expect(session.state).toBe('live');
  });

  it('deregisters only without interfaces, or by force', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim());
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    expect(await errorOf(session.deregister())).toMatchObject({
      code: 'MGM_OWNS_INTERFACES',
      status: 1003,
    });
    expect([session.state, ownership.isHeld]).toEqual(['live', true]);
    await session.deregister({ force: true });
    expect([session.state, ownership.isHeld]).toEqual(['over', false]);
    expect(session.signal.reason).toMatchObject({ code: 'MGM_SESSION_LOST' });
    expect(await errorOf(session.takeInterfaceOwnership({ ifIndex: 8 }))).toMatchObject({
      code: 'MGM_SESSION_LOST',
      outcome: 'not-done',
    });
  });

  it('that is taken over leaves its interfaces to its successor, under a new epoch', async () => {
    await using mgm = await stage.client();
    const options = pim();
    const before = await mgm.registerProtocol(options);
    const old = await before.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    const oldEpochs = old.map((one) => (one.kind === 'taken' ? one.ownership.epoch : '0'));
    await using after = await mgm.registerProtocol({ ...options, takeover: true });
    expect(after.resumed).toBe(true);
    const inherited = after.ownerships.toSorted((a, b) => a.ifIndex - b.ifIndex);
    expect(inherited.map(({ ifIndex }) => ifIndex)).toEqual([1, 2]);
    for (const { epoch } of inherited) {
      expect(BigInt(epoch)).toBeGreaterThan(BigInt(oldEpochs[1] ?? 0));
    }
    const [{ epoch } = { epoch: '' }] = inherited;
    expect(await mgm.validateEpoch({ ifIndex: 1, epoch })).toEqual({ valid: true, current: epoch });
    const stale = await mgm.validateEpoch({ ifIndex: 1, epoch: oldEpochs[0] ?? '0' });
    expect(stale).toEqual({ valid: false, current: epoch });
    await eventually(() => expect(before.signal.aborted).toBe(true), MS);
    expect(before.state).toBe('over');
    await inherited[0]?.release();
  });

  it('that is taken over is over immediately, with cause takeover', async () => {
    const router = newRouterName();
    await using first = await stage.client({ router });
    await using second = await stage.client({ router });
    const options = pim({ ttlMs: 60_000 });
    const before = await first.registerProtocol(options);
    const ownership = await before.takeInterfaceOwnership({ ifIndex: 1 });
    const [lost, ended] = [next(before, 'lost'), next(before, 'ended')];
    const after = await second.registerProtocol({ ...options, takeover: true });
    expect(await lost).toMatchObject({
      cause: 'takeover',
      interfaces: [{ ifIndex: 1 }],
      recovering: false,
    });
    await ended;
    expect(ownership.signal.reason).toMatchObject({
      code: 'MGM_SESSION_LOST',
      message: expect.stringContaining(String(after.id)),
    });
    expect(after.ownerships.map(({ isHeld }) => isHeld)).toEqual([true]);
    await after.deregister({ force: true });
  });

  it('whose registration was given up and is tried again with other terms gets those terms', async () => {
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    const servers = `nats://${proxy.host}:${proxy.port}`;
    const router = newRouterName();
    await using mgm = await stage.client({ servers, router });
    await using observer = await stage.client({ router });
    const pair = pim();
    const first = { ...pair, name: 'first', ttlMs: 60_000 };
    proxy.blackhole('to-client');
    const error = await errorOf(mgm.registerProtocol({ ...first, deadlineMs: 500 }));
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown' });
    await proxy.heal();
    const second = { ...pair, name: 'second', ttlMs: 5_000, graceMs: 30_000 };
    const session = await mgm.registerProtocol(second);
    expect([session.ttlMs, session.graceMs]).toEqual([5_000, 30_000]);
    const names: string[] = [];
    for await (const { name } of observer.sessions()) names.push(name);
    expect(names).toEqual(['second']);
    const taken = await session.takeInterfaceOwnership({ ifIndex: 7 });
    expect(taken.isHeld).toBe(true);
    await session.deregister({ force: true });
  });

  it('whose lease ends while it is deregistered by force is not registered again', async () => {
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    const servers = `nats://${proxy.host}:${proxy.port}`;
    const router = newRouterName();
    await using mgm = await stage.client({ servers, router });
    await using observer = await stage.client({ router });
    const pair = pim();
    const session = await mgm.registerProtocol({ ...pair, ttlMs: 1_000, reregister: true });
    proxy.blackhole();
    const error = await errorOf(session.deregister({ force: true, deadlineMs: 2_000 }));
    expect([error.outcome, session.state]).toEqual(['unknown', 'over']);
    await proxy.heal();
    // Its pair is free once the lease has run out in the store.
    const next = async () => await observer.registerProtocol({ ...pair, ttlMs: 60_000 });
    await using other = await eventually(next, MS);
    expect(other.resumed).toBe(false);
  });

  it('that is orphaned is resumed by the next of its pair within its grace time', async () => {
    const router = newRouterName();
    const options = pim({ ttlMs: 1_000, graceMs: 60_000 });
    await using first = await stage.client({ router });
    const before = await first.registerProtocol(options);
    const { epoch, signal } = await before.takeInterfaceOwnership({ ifIndex: 7 });
    before.orphan();
    expect(signal.aborted).toBe(true);
    await using second = await stage.client({ router });
    const after = await eventually(() => second.registerProtocol(options), MS);
    expect(after.ownerships.map(({ ifIndex }) => ifIndex)).toEqual([7]);
    expect(BigInt(after.ownerships[0]?.epoch ?? 0)).toBeGreaterThan(BigInt(epoch));
  });
});

describe('an operator', () => {
  it('can take an interface away, and its owner loses it immediately', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const { signal } = ownership;
    const previous = await mgm.adminRelease({ ifIndex: 7, actor: 'ops', why: 'maintenance' });
    expect(previous.session).toBe(session.id);
    await eventually(() => expect(signal.aborted).toBe(true), MS);
    expect(signal.reason).toMatchObject({ code: 'MGM_OWNERSHIP_LOST' });
    expect(ownership.ended?.message).toContain('admin: maintenance');
    expect(await errorOf(ownership.release())).toMatchObject({
      code: 'MGM_NOT_OWNER',
      outcome: 'not-done',
    });
    expect(session.state).toBe('live');
  });

  it('can release only what is held under an epoch, and reads its actions in a log of their own', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 8 });
    const target = { ifIndex: 8, actor: 'ops', why: 'maintenance' };
    const late = await errorOf(mgm.adminRelease({ ...target, epoch: '1' }));
    expect(late).toMatchObject({ code: 'MGM_NOT_OWNER', current: ownership.epoch });
    expect(ownership.isHeld).toBe(true);
    await mgm.adminRelease({ ...target, epoch: ownership.epoch });
    await eventually(() => expect(ownership.isHeld).toBe(false), MS);
    const { events, head } = await mgm.adminEvents(0);
    const by = { operation: 'admin.release', actor: 'ops', why: 'maintenance', ifIndex: 8 };
    expect(events.slice(-2)).toMatchObject([
      { ...by, number: head - 1, type: 'refused', reason: 'not-owner' },
      { ...by, number: head, type: 'released', session: session.id },
    ]);
    const noHoldoff = await errorOf(mgm.adminEndHoldoff({ actor: 'ops', why: 'nothing lost' }));
    expect(noHoldoff).toMatchObject({ code: 'MGM_NOT_FOUND' });
  });

  it('can end a session, which is not registered again', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim({ ttlMs: 1_000, reregister: true }));
    const ended = next(session, 'ended');
    await session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    const target = { session: session.id, actor: 'ops', why: 'broken' };
    await expect(mgm.adminEvict(target)).resolves.toBe(2);
    await ended;
    expect(session.state).toBe('over');
    expect(await Array.fromAsync(mgm.sessions())).toEqual([]);
    expect(await errorOf(mgm.adminEvict(target))).toMatchObject({ code: 'MGM_NOT_FOUND' });
  });

  it('can end a session without interfaces, which finds the cause in the log and is not registered again', async () => {
    await using mgm = await stage.client();
    const session = await mgm.registerProtocol(pim({ ttlMs: 1_000, reregister: true }));
    const ended = next(session, 'ended');
    await mgm.adminEvict({ session: session.id, actor: 'ops', why: 'broken' });
    await ended;
    expect(await Array.fromAsync(mgm.sessions())).toEqual([]);
  });
});

describe('closing a client', () => {
  it('deregisters its sessions', async () => {
    const router = newRouterName();
    await using watcher = await stage.client({ router });
    const mgm = await stage.client({ router });
    const session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    await mgm.close();
    expect(session.state).toBe('over');
    expect(await Array.fromAsync(watcher.interfaces())).toEqual([]);
    expect(await Array.fromAsync(watcher.sessions())).toEqual([]);
  });
});
