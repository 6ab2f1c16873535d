import { startNats, startTcpProxy, type RunningServer } from '@mgm/devstack';
import { eventually, newRouterName } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  connect,
  type CallbackMessage,
  type Mgm,
  type ProtocolOptions,
  type SessionEvents,
} from '../src/mod.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, IGMP, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

/** Handlers that record their callbacks. */
function recording() {
  const called: string[] = [];
  const note = ({ type, ifIndex }: CallbackMessage): void => void called.push(`${type} ${ifIndex}`);
  return { called, handlers: { onDisableIgmp: note, onEnableIgmp: note, onOwnershipLost: note } };
}

describe('IGMP', () => {
  it('is called back when a routing protocol takes and releases, in pairs and in order', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const { called, handlers } = recording();
    await using igmp = await mgm.registerProtocol(pim({ protocolId: IGMP, ...handlers }));
    await using owner = await mgm.registerProtocol(pim());
    await igmp.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    const ownership = await owner.takeInterfaceOwnership({ ifIndex: 1 });
    await owner.takeInterfaceOwnership({ ifIndex: 2 });
    await ownership.release();
    await eventually(() => expect(called).toHaveLength(6), MS);
    expect(called).toEqual([
      'DISABLE_IGMP 1',
      'ENABLE_IGMP 1',
      'DISABLE_IGMP 2',
      'ENABLE_IGMP 2',
      'DISABLE_IGMP 1',
      'ENABLE_IGMP 1',
    ]);
  });

  it('handles each callback once and in order although pushes were lost', async () => {
    await using proxy = await startTcpProxy({ port: stage.servers.nats.port });
    const router = newRouterName();
    const servers = `nats://${proxy.host}:${proxy.port}`;
    await using mgm = await stage.client({ servers, router });
    await using other = await stage.client({ router });
    const { called, handlers } = recording();
    const options = pim({ protocolId: IGMP, ttlMs: 20_000, ...handlers });
    await using igmp = await mgm.registerProtocol(options);
    await using owner = await other.registerProtocol(pim());
    const refs = Array.from({ length: 300 }, (_, at) => ({ ifIndex: at + 1 }));
    await igmp.takeInterfaces(refs);
    await owner.takeInterfaces(refs.slice(0, 100));
    await eventually(() => expect(called).toHaveLength(200), MS);
    proxy.dropReplies();
    await owner.takeInterfaces(refs.slice(100, 200));
    await proxy.heal();
    await owner.takeInterfaces(refs.slice(200));
    await eventually(() => expect(called).toHaveLength(600), MS);
    expect(called).toEqual(
      refs.flatMap(({ ifIndex }) => [`DISABLE_IGMP ${ifIndex}`, `ENABLE_IGMP ${ifIndex}`]),
    );
  });
});

describe('an owner', () => {
  it('handles a loss in order, but its signal does not wait for that', async () => {
    await using mgm = await stage.client();
    const gate = Promise.withResolvers<void>();
    const called: number[] = [];
    await using session = await mgm.registerProtocol(
      pim({
        onOwnershipLost: async ({ ifIndex }) => {
          await gate.promise;
          called.push(ifIndex);
        },
      }),
    );
    const one = await session.takeInterfaceOwnership({ ifIndex: 1 });
    const two = await session.takeInterfaceOwnership({ ifIndex: 2 });
    await mgm.adminRelease({ ifIndex: 1, actor: 'ops', why: 'test' });
    await mgm.adminRelease({ ifIndex: 2, actor: 'ops', why: 'test' });
    await eventually(() => expect([one.isHeld, two.isHeld]).toEqual([false, false]), MS);
    expect(called).toEqual([]);
    gate.resolve();
    await eventually(() => expect(called).toEqual([1, 2]), MS);
  });

  it('may make calls in a callback handler, also on the same interface', async () => {
    await using mgm = await stage.client();
    const again = Promise.withResolvers<string>();
    await using session = await mgm.registerProtocol(
      pim({
        onOwnershipLost: async ({ ifIndex }) => {
          again.resolve((await session.takeInterfaceOwnership({ ifIndex })).epoch);
        },
      }),
    );
    const { epoch } = await session.takeInterfaceOwnership({ ifIndex: 1 });
    await mgm.adminRelease({ ifIndex: 1, actor: 'ops', why: 'test' });
    expect(BigInt(await again.promise)).toBeGreaterThan(BigInt(epoch));
  });
});

describe('a callback', () => {
  let nats: RunningServer;
  beforeAll(async () => {
    nats = await startNats(inject('servers'));
  });
  afterAll(async () => await nats.stop());

  const disable = (seq: number) => ({
    seq,
    type: 'DISABLE_IGMP',
    ifIndex: seq,
    nextHop: '',
    ts: 1,
    rev: 1,
    cause: 'take',
  });

  /** Registers, and waits until the server knows what the session subscribed to. */
  async function register(mgm: Mgm, options: Partial<ProtocolOptions>): Promise<void> {
    await mgm.registerProtocol(pim(options));
    await Array.fromAsync(mgm.interfaces());
  }

  it('is acknowledged soon after it was handled, many with one keepalive', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const { called, handlers } = recording();
    await register(mgm, { ...handlers });
    for (let seq = 1; seq <= 50; seq++) manager.push(77, disable(seq));
    await eventually(() => {
      const acks = manager.of('keepalive').map(({ fields }) => fields['mailboxAck']);
      expect(acks.at(-1)).toBe(50);
      expect(acks.length).toBeLessThan(5);
    }, MS);
    expect(called).toHaveLength(50);
  });

  it('whose handler fails is retried, reported each time, and finally skipped', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const failures: SessionEvents['callback-error'][] = [];
    const called: number[] = [];
    await register(mgm, {
      onDisableIgmp: ({ ifIndex }) => {
        called.push(ifIndex);
        if (ifIndex === 1) throw new Error('not today');
      },
      on: { 'callback-error': (failure) => void failures.push(failure) },
    });
    manager.push(77, disable(1));
    manager.push(77, disable(2));
    await eventually(() => expect(called).toEqual([1, 1, 1, 2]), MS);
    expect(failures.map(({ attempt, willRetry }) => [attempt, willRetry])).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ]);
    expect(failures[0]).toMatchObject({
      callback: { seq: 1, type: 'DISABLE_IGMP' },
      error: { message: 'not today' },
    });
  });

  it('of an unknown type is skipped, and later ones are handled', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const { called, handlers } = recording();
    await register(mgm, { ...handlers });
    manager.push(77, { seq: 1, type: 'LOCAL_JOIN', group: { deep: { deeper: { deepest: [1] } } } });
    manager.push(77, disable(2));
    await eventually(() => expect(called).toEqual(['DISABLE_IGMP 2']), MS);
    await eventually(() => {
      expect(manager.of('keepalive').at(-1)?.fields['mailboxAck']).toBe(2);
    }, MS);
  });

  it.each([
    ['evict', 'evicted'],
    ['expire', 'expired'],
  ])(
    'that says %s ends the session with all it owns, before the next keepalive',
    async (cause, as) => {
      await using manager = await scriptedManager(nats.url);
      await using mgm = await connect({ servers: nats.url, router: 'r1' });
      const session = await mgm.registerProtocol(pim({ reregister: false }));
      const lost = next(session, 'lost');
      const one = await session.takeInterfaceOwnership({ ifIndex: 1 });
      const two = await session.takeInterfaceOwnership({ ifIndex: 2 });
      const { epoch } = one;
      manager.push(77, {
        ...{ seq: 1, type: 'OWNERSHIP_LOST', ts: 1, ifIndex: 1, nextHop: '', epoch, cause },
      });
      expect(await lost).toMatchObject({ cause: as, interfaces: [{ ifIndex: 1 }, { ifIndex: 2 }] });
      expect([one.isHeld, two.isHeld, session.state]).toEqual([false, false, 'over']);
      expect(manager.of('keepalive')).toEqual([]);
    },
  );

  it('that is malformed is discarded', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const { called, handlers } = recording();
    await register(mgm, { ...handlers });
    manager.push(77, { type: 'DISABLE_IGMP' });
    manager.push(77, disable(1));
    await eventually(() => expect(called).toEqual(['DISABLE_IGMP 1']), MS);
  });
});
