import { eventually, linkTo, newRouterName, startManager, startServers } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { ForwarderAgent, type ForwarderOptions } from '../src/forwarder/mod.ts';
import { connect, type Mgm, type WrongIfHint } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { arriving, forwardingScene, G, manyFlows, S } from './forwarding-scene.ts';
import { clientStage, pim } from './stage.ts';
import { TestPlane, textOf } from './test-plane.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

let lastAgent = 0;
const started = (mgm: Mgm, plane: TestPlane, options: Partial<ForwarderOptions> = {}) =>
  ForwarderAgent.start(mgm, { plane, protocolId: 900, componentId: ++lastAgent, ...options });

const listed = async (mgm: Mgm) => (await Array.fromAsync(mgm.mfes())).map(textOf).toSorted();

/** A client, and how many requests of an operation it has sent and got replies to. */
const measured = async () => {
  const operations: string[] = [];
  const client = await stage.client({
    onMeasure: (one) => void (one.kind === 'request' && operations.push(one.operation)),
  });
  return { client, sent: (name: string) => operations.filter((one) => one === name).length };
};

/** The plane forwards exactly what the managers list. */
const agrees = async (mgm: Mgm, plane: TestPlane) => {
  await eventually(async () => expect(plane.forwarded).toEqual(await listed(mgm)), MS);
};

describe('a forwarder', () => {
  it('empties its plane, installs what is there, and follows each change', async () => {
    await using mgm = await stage.client();
    const { owner, downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(300));
    const plane = new TestPlane();
    await using agent = await started(mgm, plane);
    expect(plane.calls[0]).toBe('flush');
    expect([agent.state, agent.size, agent.frev]).toEqual(['attached', 300, 300]);
    expect(plane.forwarded).toEqual(await listed(mgm));
    await downstream.addGroupMembershipEntry({ ifIndex: 4, group: G });
    await agrees(mgm, plane);
    expect(plane.installed.get('10.7.0.0')?.oifs).toHaveLength(2);
    await owner.releaseInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(plane.installed.size).toBe(0), MS);
    expect([agent.size, plane.flushes]).toEqual([0, 1]);
  });

  it('asks for a new flow once and answers known ones without a manager', async () => {
    await using mgm = await stage.client();
    const { owner } = await forwardingScene(mgm);
    const plane = new TestPlane();
    await using agent = await started(mgm, plane);
    for (let packet = 0; packet < 10; packet++) {
      expect(agent.newFlow({ ...arriving(G, 0x0a000001), header: new Uint8Array(20) })).toBe(
        undefined,
      );
    }
    await eventually(() => expect(plane.forwarded).toEqual([`${S} 1 to 3`]), MS);
    stage.manager.pause();
    expect(agent.newFlow(arriving(G, S))).toMatchObject({ source: S, session: owner.id });
    stage.manager.resume();
    expect(plane.calls.filter((call) => call.startsWith('set'))).toHaveLength(1);
    const unknown = arriving(G, '10.0.0.2');
    const wrong = [
      [{ ...unknown, group: '' }, 'group'],
      [{ ...unknown, source: '2001:db8::1' }, 'source'],
      [{ ...unknown, ifIndex: 0 }, 'ifIndex'],
      [{ ...unknown, header: new Uint8Array(129) }, 'header'],
    ] as const;
    for (const [flow, field] of wrong) {
      expect(() => agent.newFlow(flow)).toThrow(expect.objectContaining({ field }));
    }
  });

  it('asks for 5 000 flows at once without losing one', async () => {
    await using mgm = await stage.client();
    await forwardingScene(mgm);
    const plane = new TestPlane();
    await using agent = await started(mgm, plane);
    for (const flow of manyFlows(5_000)) agent.newFlow(flow);
    await eventually(() => expect(plane.installed.size).toBe(5_000), { withinMs: 60_000 });
    await eventually(() => expect(agent.frev).toBe(5_000), MS);
    expect(plane.forwarded).toEqual(await listed(mgm));
    expect(agent.droppedFlows).toBe(0);
  });

  it('does not ask again for a flow that gets no entry', async () => {
    await using mgm = await stage.client();
    const plane = new TestPlane();
    const refused: string[] = [];
    await using agent = await started(mgm, plane, {
      onRefusedFlow: ({ group }, { state }) => void refused.push(`${group} ${state}`),
    });
    agent.newFlow(arriving('224.0.0.5', S));
    await eventually(() => expect(refused).toEqual(['224.0.0.5 local']), MS);
    agent.newFlow(arriving('224.0.0.5', S));
    agent.newFlow(arriving('224.0.0.6', S));
    await eventually(() => expect(refused).toHaveLength(2), MS);
    expect(refused[1]).toBe('224.0.0.6 local');
  });

  it('continues to forward while it is cut off for less than its hold time, then catches up', async () => {
    await using link = await linkTo(stage.servers.nats);
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    await using far = await connect({ servers: link.url, router });
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(10));
    const plane = new TestPlane();
    await using agent = await started(far, plane, { ttlMs: 60_000 });
    await link.proxy.refuse();
    await downstream.reportFlows([arriving(G, S)]);
    await downstream.addGroupMembershipEntry({ ifIndex: 4, group: G });
    expect(plane.installed.size).toBe(10);
    await link.proxy.heal();
    await agrees(mgm, plane);
    expect([plane.flushes, agent.size]).toEqual([1, 11]);
  });

  it('reports entries that its plane does not have, and how far it is, also in its next session', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(3));
    const plane = new TestPlane();
    plane.full.add('10.7.0.1');
    await using agent = await started(mgm, plane, { ttlMs: 2_000 });
    expect([agent.failed, plane.installed.size]).toEqual([1, 2]);
    const shown = async () => {
      const mfes = await Array.fromAsync(mgm.mfes());
      return mfes.map(({ failed }) => failed ?? []);
    };
    const expected = () => [[], [[agent.session, 'ENFILE: no free vif']], []];
    await eventually(async () => expect(await shown()).toEqual(expected()), MS);
    const former = agent.session ?? 0;
    await mgm.adminEvict({ session: former, actor: 'ann', why: 'test' });
    await eventually(() => expect(agent.session).not.toBe(former), MS);
    await eventually(async () => expect(await shown()).toEqual(expected()), MS);
    plane.full.clear();
    await downstream.addGroupMembershipEntry({ ifIndex: 4, group: G });
    await eventually(async () => expect(await shown()).toEqual([[], [], []]), MS);
    expect([agent.failed, plane.installed.size]).toEqual([0, 3]);
  });

  // These tests mostly wait, each on a router of its own, so they run concurrently.
  it.concurrent.each([{ holdMs: 1_500 }, { holdMs: 0 }])(
    'removes all entries when contact is lost for its hold time of $holdMs ms, and attaches again',
    async ({ holdMs }) => {
      await using link = await linkTo(stage.servers.nats);
      const router = newRouterName();
      await using mgm = await stage.client({ router });
      await using far = await connect({ servers: link.url, router });
      const { downstream } = await forwardingScene(mgm);
      await downstream.reportFlows(manyFlows(10));
      const plane = new TestPlane();
      const states: string[] = [];
      await using agent = await started(far, plane, {
        ...{ ttlMs: 30_000, holdMs, onState: (state) => void states.push(state) },
      });
      expect(plane.installed.size).toBe(10);
      const cutMono = performance.now();
      link.proxy.blackhole();
      await eventually(() => expect(plane.flushes).toBe(2), { ...MS, everyMs: 5 });
      const heldMs = performance.now() - cutMono;
      // The last contact was up to a keepalive before the cut.
      expect(heldMs).toBeGreaterThan(holdMs / 2);
      expect(states).toEqual(['attached', 'flushed']);
      expect([plane.installed.size, agent.frev]).toEqual([0, undefined]);
      await downstream.reportFlows([arriving(G, S)]);
      await link.proxy.heal();
      await agrees(mgm, plane);
      expect(plane.installed.size).toBe(11);
    },
  );

  it.concurrent('survives killed managers, and a store that lost its data', async () => {
    await using servers = await startServers();
    let manager = await startManager(servers);
    const router = newRouterName();
    await using mgm = await connect({ servers: servers.nats.url, router });
    await forwardingScene(mgm);
    const plane = new TestPlane();
    await using agent = await started(mgm, plane);
    for (const flow of manyFlows(600)) agent.newFlow(flow);
    await manager.kill();
    manager = await startManager(servers);
    await eventually(() => expect(plane.installed.size).toBe(600), MS);
    await agrees(mgm, plane);
    await servers.redis.kill();
    await servers.redis.start();
    await eventually(() => expect(plane.installed.size).toBe(0), MS);
    agent.newFlow(arriving(G, S));
    await eventually(() => expect(plane.installed.size).toBe(1), MS);
    await agrees(mgm, plane);
    await manager.stop();
  });

  it.concurrent('sends counters that changed, and the last ones of a deleted entry', async () => {
    const { client: far, sent } = await measured();
    await using mgm = far;
    const { owner } = await forwardingScene(mgm);
    const plane = new TestPlane();
    await using agent = await started(mgm, plane);
    agent.newFlow(arriving(G, S));
    await eventually(() => expect(plane.installed.size).toBe(1), MS);
    plane.packets.set(S, 7);
    const shown = () => mgm.getMfeStats({ group: G, source: S });
    await eventually(async () => expect(await shown()).toMatchObject({ inPkts: 7 }), MS);
    // The counters may be here before the reply to the report.
    await eventually(() => expect(sent('flow.stats')).toBe(1), MS);
    const rounds = plane.statsCalls;
    await eventually(() => expect(plane.statsCalls).toBe(rounds + 1), MS);
    await owner.releaseInterfaceOwnership({ ifIndex: 2 });
    expect(sent('flow.stats')).toBe(1);
    plane.packets.set(S, 9);
    await owner.releaseInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect([plane.installed.size, sent('flow.stats')]).toEqual([0, 2]), MS);
  });

  it('asks again for a flow that another forwarder has just asked for', async () => {
    const { client: far, sent } = await measured();
    await using mgm = far;
    await using other = await stage.client({ router: mgm.router });
    const second = await started(mgm, new TestPlane());
    await using first = await started(other, new TestPlane());
    const answered = Promise.withResolvers<void>();
    const owner = await other.registerProtocol(
      // The manager waits for the answer until its time is over; meanwhile the flow is pending.
      pim({
        onRpf: async () => {
          second.newFlow(arriving(G, S));
          await answered.promise;
        },
      }),
    );
    await owner.takeInterfaceOwnership({ ifIndex: 1 });
    await owner.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 1 }]);
    first.newFlow(arriving(G, S));
    await eventually(() => expect(sent('flow.new')).toBeGreaterThanOrEqual(2), MS);
    answered.resolve();
    await eventually(() => expect([first.size, second.size]).toEqual([1, 1]), MS);
    await second.stop();
  });

  it('passes packets on a wrong interface on to its owner, counted', async () => {
    const { client: far, sent } = await measured();
    await using mgm = far;
    await forwardingScene(mgm);
    const hints: WrongIfHint[] = [];
    const watching = await mgm.registerProtocol(
      pim({ onWrongIf: (hint) => void hints.push(hint) }),
    );
    await watching.takeInterfaceOwnership({ ifIndex: 5 });
    await watching.setInterface({ ifIndex: 5, wrongIf: true });
    await using agent = await started(mgm, new TestPlane());
    agent.newFlow(arriving(G, S));
    await eventually(() => expect(agent.size).toBe(1), MS);
    const packet = { group: G, source: S, ifIndex: 5 };
    for (let count = 0; count < 500; count++) agent.wrongIf(packet);
    for (const { source } of manyFlows(100)) agent.wrongIf({ ...packet, source });
    await eventually(() => expect(hints[0]).toMatchObject({ ...packet, count: 500 }), MS);
    // The hint may be here before the reply to the report.
    await eventually(() => expect(sent('flow.wrongif')).toBe(1), MS);
    expect(() => agent.wrongIf({ ...packet, ifIndex: 0 })).toThrow(
      expect.objectContaining({ field: 'ifIndex' }),
    );
  });

  it('registers again after an eviction and removes nothing', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(10));
    const plane = new TestPlane();
    await using agent = await started(mgm, plane);
    const former = agent.session ?? 0;
    await mgm.adminEvict({ session: former, actor: 'ann', why: 'test' });
    // Nothing else tells the agent, until its next keepalive.
    agent.newFlow(arriving(G, S));
    await eventually(() => expect(agent.session).not.toBe(former), MS);
    await eventually(() => expect(plane.installed.size).toBe(11), MS);
    expect(plane.flushes).toBe(1);
  });

  it('empties its plane and deregisters when it is stopped', async () => {
    await using mgm = await stage.client();
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(10));
    const plane = new TestPlane();
    const agent = await started(mgm, plane);
    const { session } = agent;
    await agent.stop();
    expect([agent.state, plane.installed.size, plane.calls.at(-1)]).toEqual([
      'stopped',
      0,
      'flush',
    ]);
    const sessions = await Array.fromAsync(mgm.sessions());
    expect(sessions.map((one) => one.session)).not.toContain(session);
    await agent.stop();
    expect(agent.newFlow(arriving(G, S))).toBe(undefined);
    expect(plane.flushes).toBe(2);
  });

  it('ends with its client', async () => {
    await using mgm = await stage.client();
    const other = await stage.client({ router: mgm.router });
    const { downstream } = await forwardingScene(mgm);
    await downstream.reportFlows(manyFlows(10));
    const plane = new TestPlane();
    const agent = await started(other, plane);
    await other.close();
    await eventually(() => expect([agent.state, plane.installed.size]).toEqual(['stopped', 0]), MS);
  });

  it('does not start with an option out of range, a pair in use, or a signal that fired', async () => {
    await using mgm = await stage.client();
    const pair = pim();
    await using _other = await mgm.registerProtocol(pair);
    const plane = new TestPlane();
    const options: [Partial<ForwarderOptions>, object][] = [
      [{ ttlMs: 2_000, holdMs: 2_001 }, { field: 'holdMs' }],
      [{ holdMs: -1 }, { field: 'holdMs' }],
      [{ ttlMs: 999 }, { field: 'ttlMs' }],
      [
        { protocolId: pair.protocolId, componentId: pair.componentId },
        { reason: 'already-registered' },
      ],
      [{ signal: AbortSignal.abort() }, { reason: 'aborted' }],
    ];
    for (const [wrong, expected] of options) {
      expect(await errorOf(started(mgm, plane, wrong))).toMatchObject(expected);
    }
    expect(await Array.fromAsync(mgm.sessions())).toHaveLength(1);
  });
});
