import { startNats, type RunningServer } from '@mgm/devstack';
import { eventually, linkTo, newRouterName } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect as connectNats } from '@mgm/nats';
import { encodeMessage } from '@mgm/protocol';
import { connect, type FollowOptions, type ForwardingSighting, type Mgm } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { arriving, forwardingScene, G, manyFlows, S } from './forwarding-scene.ts';
import { refused, scriptedManager, type ScriptedManager } from './scripted-manager.ts';
import { clientStage } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

/** A watch that runs until its block ends, and what its reader knows. */
function watching(mgm: Mgm, options: FollowOptions = {}) {
  const controller = new AbortController();
  const seen: ForwardingSighting[] = [];
  const known = new Map<string, string>();
  const numbers: number[] = [];
  const see = (one: ForwardingSighting): void => {
    seen.push(one);
    if (one.kind === 'snapshot') {
      known.clear();
      for (const { source, oifs } of one.mfes) known.set(source, oifs.join());
    }
    if (one.kind !== 'event') return;
    for (const [at, change] of one.event.items.entries()) {
      numbers.push(one.event.first + at);
      if (change[0] === 'set') known.set(change[1].source, change[1].oifs.join());
      else known.delete(change[2]);
    }
  };
  const done = (async () => {
    for await (const one of mgm.watchForwarding({ ...options, signal: controller.signal }))
      see(one);
  })();
  return {
    seen,
    known,
    numbers,
    kinds: () => seen.map(({ kind }) => kind),
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await done;
    },
  };
}

const listed = async (mgm: Mgm) =>
  (await Array.fromAsync(mgm.mfes())).map(({ source, oifs }) => [source, oifs.join()]);

describe('a watcher of forwarding entries', () => {
  it('gets a snapshot, a mark and then each change, and can resume from the mark', async () => {
    await using mgm = await stage.client();
    const { downstream, owner } = await forwardingScene(mgm);
    await downstream.reportFlows([arriving(G, S)]);
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(['snapshot', 'synced']), MS);
    expect(watch.seen).toMatchObject([
      { reason: 'start', frev: 1, mfes: [{ group: G, source: S, oifs: [[3, '']] }] },
      { kind: 'synced', frev: 1 },
    ]);
    await downstream.addGroupMembershipEntry({ ifIndex: 4, group: G });
    await eventually(() => expect(watch.known.get(S)).toBe('3,,4,'), MS);
    await owner.releaseInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(watch.known.size).toBe(0), MS);
    expect(watch.numbers).toEqual([2, 3]);
    const synced = watch.seen[1];
    const log = synced?.kind === 'synced' ? synced.log : '';
    await using resumed = watching(mgm, { from: 1, log });
    await eventually(() => expect(resumed.kinds().at(-1)).toBe('synced'), MS);
    expect(resumed.numbers).toEqual([2, 3]);
    await using other = watching(mgm, { from: 1, log: 'another' });
    await eventually(() => expect(other.kinds()).toEqual(['snapshot', 'synced']), MS);
    expect(other.seen[0]).toMatchObject({ reason: 'store-reset', mfes: [] });
  });

  it('misses nothing while it is cut off, and reads the log instead of a new snapshot', async () => {
    await using link = await linkTo(stage.servers.nats);
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    await using far = await connect({ servers: link.url, router });
    const { downstream } = await forwardingScene(mgm);
    await using watch = watching(far);
    await eventually(() => expect(watch.kinds()).toEqual(['snapshot', 'synced']), MS);
    await link.proxy.refuse();
    await downstream.reportFlows(manyFlows(600));
    await downstream.deleteGroupMembershipEntry({ ifIndex: 3, group: G });
    await link.proxy.heal();
    await eventually(async () => expect([...watch.known]).toEqual(await listed(mgm)), MS);
    expect(watch.known.size).toBe(600);
    await eventually(() => expect(watch.numbers).toHaveLength(1_200), MS);
    expect(watch.numbers).toEqual(watch.numbers.map((_, at) => at + 1));
    expect(watch.kinds().filter((kind) => kind === 'snapshot')).toHaveLength(1);
  });

  it('starts over with a snapshot when the store has lost its data', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows([arriving(G, S)]);
    await using watch = watching(mgm);
    await eventually(() => expect(watch.known.size).toBe(1), MS);
    await stage.servers.redis.kill();
    await stage.servers.redis.start();
    await eventually(() => expect(watch.known.size).toBe(0), MS);
    expect(watch.seen.findLast(({ kind }) => kind === 'snapshot')).toMatchObject({
      ...{ reason: 'store-reset', frev: 0 },
    });
  });
});

describe('against a scripted manager', () => {
  let nats: RunningServer;
  beforeAll(async () => {
    nats = await startNats(inject('servers'));
  });
  afterAll(async () => await nats.stop());

  const mfe = (source: string, incarnation: number, oif = 3) => ({
    ...{ group: G, source, incarnation, ifIndex: 1, nextHop: '', iifEpoch: '5', protocolId: 103 },
    ...{ session: 77, upMs: 0, expiresInMs: 900_000, timeoutMs: 900_000 },
    ...{ oifs: [[oif, '']], oifCount: 1, foreignAlerted: false },
  });
  const set = (number: number, source: string, incarnation: number, oif = 3) => ({
    ...{ first: number, last: number, ts: 1 },
    items: [['set', mfe(source, incarnation, oif)]],
  });
  const end = (number: number, source: string, incarnation: number) => ({
    ...{ first: number, last: number, ts: 1 },
    items: [['del', G, source, incarnation, 'timeout']],
  });

  async function opened() {
    await using scope = new AsyncDisposableStack();
    const manager = scope.use(await scriptedManager(nats.url));
    const mgm = scope.use(await connect({ servers: nats.url, router: 'r1' }));
    const bus = await connectNats({ servers: nats.url });
    scope.defer(() => bus.close());
    const push = (message: object): void => bus.publish('mgm.v1.r1.mfe', encodeMessage(message));
    return Object.assign(scope.move(), { manager, mgm, push });
  }

  /** The log as `fib` has it. */
  function logOf(manager: ScriptedManager, changes: readonly { readonly last: number }[]): void {
    const head = changes.at(-1)?.last ?? 0;
    manager.script('fib', ({ fields }) => ({
      changes: changes.filter(({ last }) => last > Number(fields['from'])),
      ...{ head, first: 1, log: 'log-1' },
    }));
  }

  it('a gap of lost pushes is read from the log, and each change is reported once', async () => {
    await using scene = await opened();
    const { manager, mgm, push } = scene;
    manager.script('mfe.list', () => ({ items: [], frev: 0, log: 'log-1' }));
    logOf(manager, []);
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(['snapshot', 'synced']), MS);
    const changes = [set(1, S, 1), set(2, '10.0.0.2', 2), set(3, S, 1, 4), end(4, S, 1)];
    logOf(manager, changes);
    push(changes[0] ?? {});
    push(changes[3] ?? {});
    await eventually(() => expect(watch.numbers).toEqual([1, 2, 3, 4]), MS);
    // A late copy, and one that is no message of the contract.
    push(changes[2] ?? {});
    push({ ...set(5, S, 1), last: 9 });
    logOf(manager, [...changes, set(5, '10.0.0.3', 5)]);
    push(set(5, '10.0.0.3', 5));
    await eventually(() => expect(watch.numbers).toEqual([1, 2, 3, 4, 5]), MS);
    expect([...watch.known.keys()]).toEqual(['10.0.0.2', '10.0.0.3']);
  });

  it('changes since the first page are applied, but not those that a later page already shows', async () => {
    await using scene = await opened();
    const { manager, mgm } = scene;
    const [first, second, third] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    manager.script('mfe.list', ({ fields }) =>
      fields['cursor'] === undefined
        ? { items: [mfe(first, 1), mfe(second, 2)], frev: 2, cursor: 'x', log: 'log-1' }
        : { items: [mfe('10.0.0.9', 9)], frev: 5, log: 'log-1' },
    );
    logOf(manager, [
      // The second page would show this entry if it were still there.
      set(3, third, 3),
      end(4, first, 1),
      set(5, '10.0.0.9', 9),
      // Of a former incarnation.
      end(6, second, 1),
      set(7, second, 2, 4),
    ]);
    await using watch = watching(mgm);
    await eventually(() => expect(watch.kinds()).toEqual(['snapshot', 'synced']), MS);
    expect(watch.seen[0]).toMatchObject({ frev: 7 });
    expect([...watch.known]).toEqual([
      [second, '4,'],
      ['10.0.0.9', '3,'],
    ]);
  });

  it('a log that was cut leads to a snapshot', async () => {
    await using scene = await opened();
    const { manager, mgm } = scene;
    manager.script('mfe.list', () => ({ items: [mfe(S, 1)], frev: 9, log: 'log-1' }));
    manager.script('fib', ({ fields }) =>
      fields['from'] === 9
        ? { changes: [], head: 9, first: 8, log: 'log-1' }
        : refused(1003, 'compacted', { first: 8 }),
    );
    await using watch = watching(mgm, { from: 3, log: 'log-1' });
    await eventually(() => expect(watch.kinds()).toEqual(['snapshot', 'synced']), MS);
    expect(watch.seen[0]).toMatchObject({ reason: 'compacted', frev: 9 });
  });

  it('a log with an invalid change ends the watch', async () => {
    await using scene = await opened();
    const { manager, mgm } = scene;
    manager.script('fib', () => ({
      ...{ changes: [{ ...set(1, S, 0) }], head: 1, first: 1, log: 'log-1' },
    }));
    expect(await errorOf(mgm.watchForwarding({ from: 0 }).next())).toMatchObject({
      ...{ reason: 'bad-reply', operation: 'fib' },
    });
  });
});
