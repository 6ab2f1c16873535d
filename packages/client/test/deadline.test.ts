import { startTcpProxy } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { connect as connectNats } from '@mgm/nats';
import { describe, expect, it } from 'vitest';
import { connect, type Session } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

let lastPrefix = 0;

/** A scripted manager on a prefix of its own, where the real one does not listen. */
async function scripted() {
  const prefix = `deadline${++lastPrefix}.v1`;
  const { url } = stage.servers.nats;
  return { prefix, url, manager: await scriptedManager(url, prefix) };
}

function deadlineMono(session: Session): number {
  return performance.now() + session.deadlineInMs;
}

describe('a deadline', () => {
  it('counts from before the keepalive was sent, however late its reply arrives', async () => {
    const { prefix, url, manager } = await scripted();
    await using _ = manager;
    const ttlMs = 3_000;
    let heardMono = 0;
    const registered = { handle: 'secret', session: 77, graceMs: 0, mailbox: 0, resumed: false };
    manager.script('register', () => ({ ...registered, ttlMs }));
    manager.script('keepalive', (_request, answer) => {
      heardMono ||= performance.now();
      setTimeout(() => answer({ ttlMs, mailbox: 0 }), 400);
    });
    await using mgm = await connect({ servers: url, router: 'r1', prefix });
    await using session = await mgm.registerProtocol(pim({ ttlMs }));
    const before = deadlineMono(session);
    const renewed = await eventually(() => {
      const mono = deadlineMono(session);
      expect(mono).toBeGreaterThan(before + 100);
      return mono;
    }, MS);
    expect(renewed).toBeLessThanOrEqual(heardMono + ttlMs);
  });

  it('counts from the first register that may have been executed', async () => {
    const { prefix, url, manager } = await scripted();
    await using _ = manager;
    const ttlMs = 10_000;
    let firstMono = 0;
    manager.script('register', () => {
      firstMono ||= performance.now();
      const fields = { handle: 'secret', session: 77, ttlMs, graceMs: 0, mailbox: 0 };
      // By more than the margin later than the first, which is not answered.
      return performance.now() - firstMono < 1_000 ? undefined : { ...fields, resumed: false };
    });
    await using mgm = await connect({ servers: url, router: 'r1', prefix, timeoutMs: 1_000 });
    await using session = await mgm.registerProtocol(pim({ ttlMs }));
    expect(manager.of('register').length).toBeGreaterThan(1);
    expect(deadlineMono(session)).toBeLessThanOrEqual(firstMono + ttlMs);
  });

  it('holds also if the process was too busy to run a timer before the reply', async () => {
    const { prefix, url, manager } = await scripted();
    await using _ = manager;
    const ttlMs = 1_000;
    const registered = { handle: 'secret', session: 77, graceMs: 0, mailbox: 0, resumed: false };
    manager.script('register', () => ({ ...registered, ttlMs }));
    manager.script('keepalive', () => {});
    manager.script('take', () => {
      // Right before the reply, so that both arrive in one piece.
      manager.push(77, { seq: 9 });
      return { epoch: '1000' };
    });
    const connection = await connectNats({ servers: url });
    await using mgm = await connect({ connection, router: 'r1', prefix });
    const session = await mgm.registerProtocol(pim({ ttlMs, reregister: false }));
    connection.subscribe(`${prefix}.r1.callback.77`, {
      callback: () => {
        const endsMono = performance.now() + ttlMs;
        while (performance.now() < endsMono);
      },
    });
    const error = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    expect(error).toMatchObject({ code: 'MGM_SESSION_LOST' });
    await connection.close();
  });

  it('allows no repeat after it, whatever timer fires first', async () => {
    const { prefix, url, manager } = await scripted();
    await using _ = manager;
    const ttlMs = 1_000;
    const registered = { handle: 'secret', session: 77, graceMs: 0, mailbox: 0, resumed: false };
    manager.script('register', () => ({ ...registered, ttlMs }));
    manager.script('keepalive', () => {});
    // Blocks this process, and so the client, from when the request arrived until its deadline has passed.
    manager.script('take', () => {
      const endsMono = performance.now() + ttlMs;
      while (performance.now() < endsMono);
    });
    await using mgm = await connect({ servers: url, router: 'r1', prefix, timeoutMs: 300 });
    const session = await mgm.registerProtocol(pim({ ttlMs, reregister: false }));
    const taking = errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    expect(await taking).toMatchObject({ code: 'MGM_SESSION_LOST' });
    // Messages sent earlier arrive before this one.
    await mgm.getProtocolOnInterface({ ifIndex: 7 }, { deadlineMs: 1_000 }).catch(() => {});
    expect(manager.of('take')).toHaveLength(1);
  });
});

describe('a session that was evicted while it was cut off', () => {
  it('is not registered again', async () => {
    await using scope = new AsyncDisposableStack();
    const proxy = scope.use(await startTcpProxy({ port: stage.servers.nats.port }));
    const router = newRouterName();
    const servers = `nats://${proxy.host}:${proxy.port}`;
    const mgm = scope.use(await stage.client({ servers, router }));
    const operator = scope.use(await stage.client({ router }));
    const session = await mgm.registerProtocol(pim({ ttlMs: 2_000 }));
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    const emitted: string[] = [];
    session.on('recovered', () => void emitted.push('recovered'));
    const [lost, ended] = [next(session, 'lost'), next(session, 'ended')];
    proxy.blackhole();
    await operator.adminEvict({ session: session.id, actor: 'operator', why: 'a test' });
    expect(await lost).toMatchObject({ cause: 'deadline', recovering: true });
    // Messages buffered in the proxy would report the eviction; a cut network delivers nothing.
    proxy.reset();
    await proxy.heal();
    await ended;
    expect(emitted).toEqual([]);
    const owner = errorOf(operator.getProtocolOnInterface({ ifIndex: 7 }));
    expect(await owner).toMatchObject({ reason: 'not-found' });
  });
});
