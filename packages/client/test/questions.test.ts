import { startNats, type RunningServer } from '@mgm/devstack';
import { connect as connectNats, type NatsConnection } from '@mgm/nats';
import { decodeMessage, encodeMessage } from '@mgm/protocol';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type ProtocolOptions, type WrongIfHint } from '../src/mod.ts';
import { G, S } from './forwarding-scene.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
/** A question that must not time out. */
const PATIENT = { deadlineMs: 10_000 };

let nats: RunningServer;
let bus: NatsConnection;
beforeAll(async () => {
  nats = await startNats(inject('servers'));
  bus = await connectNats({ servers: nats.url });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const about = { group: G, source: S, ifIndex: 1, nextHop: '', incarnation: 7 };
const rpf = {
  ...{ type: 'RPF', ...about, upstream: '10.9.9.9' },
  route: { network: '10.0.0.0', length: 8, protocolId: 103 },
};
const creation = {
  ...{ type: 'CREATION_ALERT', ...about },
  oifs: [
    [3, '', true],
    [4, '10.4.0.1', false],
  ],
};

/** A session with handlers, of a manager that asks it. */
async function opened(handlers: Partial<ProtocolOptions>) {
  await using scope = new AsyncDisposableStack();
  const manager = scope.use(await scriptedManager(nats.url));
  const mgm = scope.use(await connect({ servers: nats.url, router: 'r1' }));
  const session = await mgm.registerProtocol(pim(handlers));
  // By the time of this reply the server knows the subscriptions of the session.
  await mgm.interfaces().next();
  return Object.assign(scope.move(), { manager, mgm, session });
}

/** The answer, or `undefined` if there is none within this time. */
async function ask(question: object, withinMs = 30_000): Promise<unknown> {
  try {
    const timeout = { timeout: withinMs };
    const { data } = await bus.request('mgm.v1.r1.ask.77', encodeMessage(question), timeout);
    const decoded = decodeMessage(data);
    return decoded.kind === 'message' ? decoded.value : decoded.fault;
  } catch {
    return undefined;
  }
}

describe('a session with handlers of questions', () => {
  it('requests them at its registration', async () => {
    await using scene = await opened({
      onRpf: () => {},
      onCreationAlert: () => {},
      onWrongIf: () => {},
    });
    const [register] = scene.manager.of('register');
    expect(register?.fields['alerts']).toEqual(['RPF', 'CREATION_ALERT', 'WRONG_IF']);
  });

  it('answers RPF with what its handler chose', async () => {
    const asked: unknown[] = [];
    const answers = [
      { ifIndex: 2, nextHop: 0x0a020001, upstream: '10.8.8.8' },
      undefined,
      { upstream: '' },
    ];
    await using _scene = await opened({
      onRpf: (question) => {
        asked.push(question);
        return answers[asked.length - 1];
      },
    });
    const header = new Uint8Array([1, 2, 3]);
    expect(await ask({ ...rpf, ...PATIENT, header })).toEqual({
      ...{ ifIndex: 2, nextHop: '10.2.0.1', upstream: '10.8.8.8' },
    });
    expect(await ask({ ...rpf, ...PATIENT })).toEqual({});
    expect(await ask({ ...rpf, ...PATIENT })).toEqual({ upstream: '' });
    const { type, ...question } = rpf;
    expect(asked[0]).toEqual({ ...question, header: Buffer.from(header) });
    expect(asked[1]).toEqual(question);
  });

  it('answers CREATION_ALERT with the interfaces that it disables', async () => {
    await using _scene = await opened({
      onCreationAlert: ({ oifs }) => ({ disable: oifs.filter(({ igmp }) => !igmp) }),
    });
    expect(await ask({ ...creation, ...PATIENT })).toEqual({ disable: [[4, '10.4.0.1']] });
    expect(await ask({ ...creation, ...PATIENT, oifs: [[3, '', true]] })).toEqual({ disable: [] });
  });

  it('does not answer if the handler fails, or if the message is no question', async () => {
    let calls = 0;
    await using _scene = await opened({
      onRpf: () => {
        calls++;
        if (calls === 1) throw new Error('not ready');
        return { ifIndex: 0 };
      },
    });
    expect(await ask({ ...rpf, ...PATIENT }, 500)).toBe(undefined);
    expect(await ask({ ...rpf, ...PATIENT }, 500)).toBe(undefined);
    for (const wrong of [{ incarnation: 0 }, { source: '' }, { type: 'WHY' }, { ifIndex: 0 }]) {
      expect(await ask({ ...rpf, ...PATIENT, ...wrong }, 200)).toBe(undefined);
    }
    expect(calls).toBe(2);
  });

  it('answers a question before alerts that wait, and runs one handler at a time', async () => {
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const handle = async (name: string, work?: Promise<void>): Promise<void> => {
      most = Math.max(most, ++running);
      order.push(name);
      await work;
      running--;
    };
    await using scene = await opened({
      onJoinAlert: async ({ group }) =>
        await handle(group, group === G ? first.promise : undefined),
      onRpf: async () => await handle('RPF'),
    });
    const alerts = [G, '239.1.1.2', '239.1.1.3'].map((group) => [group, '']);
    const alert = {
      type: 'JOIN_ALERT',
      memberUpdate: true,
      mrev: 3,
      cause: 'member',
      items: alerts,
    };
    scene.manager.push(77, { seq: 1, ...alert });
    await eventually(() => expect(order).toEqual([G]), MS);
    const answer = ask({ ...rpf, ...PATIENT });
    // The session has received the question by the time of this reply.
    await bus.flush();
    await scene.mgm.interfaces().next();
    first.resolve();
    expect(await answer).toEqual({});
    await eventually(() => expect(order).toEqual([G, 'RPF', '239.1.1.2', '239.1.1.3']), MS);
    expect(most).toBe(1);
  });

  it('leaves a question unanswered that can not start within its deadline', async () => {
    const first = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const asked: number[] = [];
    await using scene = await opened({
      onJoinAlert: async () => {
        begun.resolve();
        await first.promise;
      },
      onRpf: ({ incarnation }) => void asked.push(incarnation),
    });
    const items = [[G, '']];
    const alert = { type: 'JOIN_ALERT', memberUpdate: true, mrev: 3, cause: 'member', items };
    scene.manager.push(77, { seq: 1, ...alert });
    await begun.promise;
    expect(await ask({ ...rpf, deadlineMs: 100 }, 400)).toBe(undefined);
    first.resolve();
    expect(await ask({ ...rpf, ...PATIENT, incarnation: 8 })).toEqual({});
    expect(asked).toEqual([8]);
  });

  it('is given hints about packets on a wrong interface', async () => {
    const hints: WrongIfHint[] = [];
    await using _scene = await opened({ onWrongIf: (hint) => void hints.push(hint) });
    const hint = { type: 'WRONG_IF', group: G, source: S, ifIndex: 2, nextHop: '', count: 5 };
    bus.publish('mgm.v1.r1.hint.77', encodeMessage({ ...hint, count: 0 }));
    bus.publish('mgm.v1.r1.hint.77', encodeMessage(hint));
    await eventually(() => expect(hints).toHaveLength(1), MS);
    expect(hints).toEqual([{ group: G, source: S, ifIndex: 2, nextHop: '', count: 5 }]);
  });

  it('answers nothing after its end', async () => {
    await using scene = await opened({ onRpf: () => {} });
    expect(await ask({ ...rpf, ...PATIENT })).toEqual({});
    scene.session.orphan();
    expect(await ask({ ...rpf, ...PATIENT }, 300)).toBe(undefined);
  });
});

describe('of a running manager', () => {
  it('decide the incoming interface and the outgoing ones of a new entry', async () => {
    await using mgm = await stage.client();
    const asked: string[] = [];
    const owner = await mgm.registerProtocol(
      pim({
        onRpf: ({ ifIndex, header }) => {
          asked.push(`RPF ${ifIndex} ${header?.length}`);
          return { ifIndex: 2, upstream: '10.8.8.8' };
        },
      }),
    );
    const downstream = await mgm.registerProtocol(
      pim({
        onCreationAlert: ({ oifs }) => {
          asked.push(`CREATION ${oifs.map(({ ifIndex }) => ifIndex).join()}`);
          return { disable: [{ ifIndex: 4 }] };
        },
      }),
    );
    await owner.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    await downstream.takeInterfaces([{ ifIndex: 3 }, { ifIndex: 4 }]);
    await owner.setRoutes([{ network: '10.0.0.0', length: 8, ifIndex: 1 }]);
    await downstream.addGroupMembershipEntries([
      { ifIndex: 3, group: G },
      { ifIndex: 4, group: G },
    ]);
    const flow = { group: G, source: S, ifIndex: 2, header: new Uint8Array(20) };
    const [result] = await downstream.reportFlows([flow]);
    expect(result).toMatchObject({
      ...{ state: 'installed', mfe: { ifIndex: 2, upstream: '10.8.8.8', oifs: [[3, '']] } },
    });
    expect(asked).toEqual(['RPF 1 20', 'CREATION 3,4']);
  });
});
