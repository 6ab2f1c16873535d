import { type RunningServer, startNats } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type ConnectOptions, type ProtocolOptions } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { refused, scriptedManager, type Received } from './scripted-manager.ts';

let nats: RunningServer;

beforeAll(async () => {
  nats = await startNats(inject('servers'));
});
afterAll(async () => await nats.stop());

/** For a call that is to succeed, however busy the machine is. */
const PATIENT = { deadlineMs: 10_000 };

let lastPrefix = 0;

/** A session of a scripted manager. */
async function stage(options: Partial<ConnectOptions & ProtocolOptions> = {}) {
  const prefix = `abandoned${++lastPrefix}.v1`;
  const scope = new AsyncDisposableStack();
  const manager = scope.use(await scriptedManager(nats.url, prefix));
  const limits = { timeoutMs: 100, deadlineMs: 400, ...options };
  const mgm = scope.use(await connect({ servers: nats.url, router: 'r1', prefix, ...limits }));
  const session = await mgm.registerProtocol({
    ...{ protocolId: 1, componentId: 1 },
    ...options,
    ...PATIENT,
  });
  return { manager, session, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

const numbers = ({ operation, fields }: Received) => [operation, fields['seq'], fields['ack']];
const MS = { withinMs: 30_000 };

describe('a take without a reply', () => {
  it('has an unknown outcome, and is undone with its number passed before the next call on the interface', async () => {
    await using at = await stage();
    const { manager, session } = at;
    manager.script('take', ({ fields }) => (fields['seq'] === 1 ? undefined : { epoch: '5' }));
    const error = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown', operation: 'take' });
    expect(error.interface).toEqual({ ifIndex: 7, nextHop: '' });
    const second = await session.takeInterfaceOwnership({ ifIndex: 7 }, PATIENT);
    expect(second.epoch).toBe('5');
    const changes = manager.distinct().filter(({ fields }) => fields['seq'] !== undefined);
    const first = changes.findIndex(({ fields }) => fields['seq'] !== 1);
    expect(changes.slice(first).map(numbers)).toEqual([
      ['release', 2, 2],
      ['take', 3, 3],
    ]);
  });

  it('is undone only when every lower number has been passed as well, because it could still be executed', async () => {
    await using at = await stage({ gather: false });
    const { manager, session } = at;
    const slow = Promise.withResolvers<(reply: object) => void>();
    manager.script('take', ({ fields }, answer) => {
      if (fields['ifIndex'] === 1) slow.resolve(answer);
    });
    const first = session.takeInterfaceOwnership({ ifIndex: 1 }, { deadlineMs: 5_000 });
    const answerFirst = await slow.promise;
    await errorOf(session.takeInterfaceOwnership({ ifIndex: 2 }, { deadlineMs: 200 }));
    // After a release with ack 1 the take with seq 2 could still be executed: it must not be sent yet.
    await errorOf(session.takeInterfaceOwnership({ ifIndex: 3 }, { deadlineMs: 200 }));
    expect(manager.distinct('release')).toEqual([]);
    answerFirst({ epoch: '5' });
    await first;
    await eventually(() => {
      const acks = manager.distinct('release').map(({ fields }) => fields['ack']);
      expect(Math.min(...acks.map(Number))).toBeGreaterThan(3);
    }, MS);
  });

  it('ends the hold of an interface that was held before, since undoing the take releases it', async () => {
    await using at = await stage();
    const { manager, session } = at;
    manager.script('take', ({ fields }) => (fields['seq'] === 1 ? { epoch: '5' } : undefined));
    const held = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const isHeldAtRelease: boolean[] = [];
    manager.script('release', () => {
      isHeldAtRelease.push(held.isHeld);
      return {};
    });
    const error = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown' });
    await eventually(() => expect(isHeldAtRelease).toEqual([false]), MS);
    expect(session.ownerships).toEqual([]);
  });

  it('is undone repeatedly until a manager has confirmed it', async () => {
    await using at = await stage();
    const { manager, session } = at;
    manager.script('take', () => undefined);
    manager.script('release', () => {
      // A repeat of one without a timely reply is not another attempt.
      if (manager.distinct('release').length < 3) return refused(8, 'store-full');
      return refused(87, 'not-owner');
    });
    await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    await eventually(() => expect(manager.distinct('release')).toHaveLength(3), MS);
    await errorOf(session.takeInterfaceOwnership({ ifIndex: 8 }));
    const of7 = manager.distinct('release').filter(({ fields }) => fields['ifIndex'] === 7);
    expect(of7).toHaveLength(3);
  });
});

describe('takes that share a request without a reply', () => {
  it('fail with their own interface each', async () => {
    await using at = await stage();
    const { manager, session } = at;
    manager.script('take', () => undefined);
    const errors = await Promise.all(
      [1, 2].map((ifIndex) => errorOf(session.takeInterfaceOwnership({ ifIndex }))),
    );
    expect(errors).toMatchObject([
      { code: 'MGM_TIMEOUT', outcome: 'unknown', interface: { ifIndex: 1 } },
      { code: 'MGM_TIMEOUT', outcome: 'unknown', interface: { ifIndex: 2 } },
    ]);
    await eventually(() => {
      const released = manager.distinct('release').flatMap(({ fields }) => fields['interfaces']);
      expect(released).toEqual([
        [1, ''],
        [2, ''],
      ]);
    }, MS);
  });
});

describe('a take whose caller gives up', () => {
  it('before it was sent is never sent', async () => {
    await using at = await stage();
    const { manager, session } = at;
    const controller = new AbortController();
    const { signal } = controller;
    const take = errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }, { signal }));
    controller.abort();
    expect(await take).toMatchObject({ code: 'MGM_ABORTED', outcome: 'not-done' });
    await session.takeInterfaceOwnership({ ifIndex: 8 });
    expect(manager.distinct('take').map(({ fields }) => fields['ifIndex'])).toEqual([8]);
    expect(manager.distinct('release')).toEqual([]);
  });

  it('after it was sent rejects immediately, and is undone', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const controller = new AbortController();
    manager.script('take', () => controller.abort());
    const { signal } = controller;
    const error = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }, { signal }));
    expect(error).toMatchObject({ code: 'MGM_ABORTED', outcome: 'unknown' });
    await eventually(
      () => expect(manager.distinct('release').map(numbers)).toEqual([['release', 2, 2]]),
      MS,
    );
    expect(session.ownerships).toEqual([]);
  });

  it('while others share its request rejects immediately, and only its interface is released', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const controller = new AbortController();
    const sent = Promise.withResolvers<() => void>();
    manager.script('take', ({ fields }, answer) => {
      const results = (fields['interfaces'] as unknown[]).map((_, at) => ({
        status: 0,
        epoch: String(100 + at),
      }));
      sent.resolve(() => answer({ results }));
    });
    const kept = session.takeInterfaceOwnership({ ifIndex: 1 });
    const { signal } = controller;
    const given = errorOf(session.takeInterfaceOwnership({ ifIndex: 2 }, { signal }));
    const answer = await sent.promise;
    controller.abort();
    expect(await given).toMatchObject({ code: 'MGM_ABORTED', outcome: 'unknown' });
    expect(manager.distinct('release')).toEqual([]);
    answer();
    expect((await kept).isHeld).toBe(true);
    await eventually(() => {
      expect(manager.distinct('release').map(({ fields }) => fields['ifIndex'])).toEqual([2]);
    }, MS);
    expect(session.ownerships.map(({ ifIndex }) => ifIndex)).toEqual([1]);
    expect(manager.distinct('take')).toHaveLength(1);
  });

  it('while it waits for another call on the interface does not affect that', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const sent = Promise.withResolvers<(reply: object) => void>();
    manager.script('take', (_received, answer) => sent.resolve(answer));
    const first = session.takeInterfaceOwnership({ ifIndex: 7 });
    const answer = await sent.promise;
    const signal = AbortSignal.timeout(20);
    const second = await errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }, { signal }));
    expect(second).toMatchObject({ code: 'MGM_ABORTED', outcome: 'not-done' });
    answer({ epoch: '5' });
    expect((await first).isHeld).toBe(true);
    expect(manager.distinct('take')).toHaveLength(1);
    expect(manager.distinct('release')).toEqual([]);
  });
});

describe('a release', () => {
  it('without a reply continues until it is certain, and the interface waits for it', async () => {
    await using at = await stage();
    const { manager, session } = at;
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    manager.script('release', ({ fields }) => (fields['seq'] === 2 ? undefined : {}));
    const error = await errorOf(ownership.release());
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown' });
    expect(ownership.isHeld).toBe(false);
    await session.takeInterfaceOwnership({ ifIndex: 7 });
    const changes = manager.distinct().filter(({ fields }) => Number(fields['seq']) > 2);
    expect(changes.map(numbers)).toEqual([
      ['release', 3, 3],
      ['take', 4, 4],
    ]);
  });

  it('whose caller gives up continues nevertheless, sent or not', async () => {
    await using at = await stage();
    const { manager, session } = at;
    const ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
    const controller = new AbortController();
    const release = errorOf(ownership.release({ signal: controller.signal }));
    controller.abort();
    expect(await release).toMatchObject({ code: 'MGM_ABORTED', outcome: 'unknown' });
    expect(ownership.isHeld).toBe(false);
    await eventually(() => expect(manager.distinct('release')).toHaveLength(1), MS);
  });

  it('never overlaps with the take before it', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const sent = Promise.withResolvers<(reply: object) => void>();
    manager.script('take', (_received, answer) => sent.resolve(answer));
    const take = session.takeInterfaceOwnership({ ifIndex: 7 });
    const release = session.releaseInterfaceOwnership({ ifIndex: 7 });
    const answer = await sent.promise;
    await session.releaseInterfaceOwnership({ ifIndex: 8 });
    expect(manager.distinct('release').map(({ fields }) => fields['ifIndex'])).toEqual([8]);
    answer({ epoch: '5' });
    const ownership = await take;
    await release;
    expect(ownership.isHeld).toBe(false);
    expect(ownership.signal.reason).toMatchObject({ code: 'MGM_RELEASED' });
  });
});

describe('a refusal of the handle', () => {
  it('ends the session immediately, whatever the operation was', async () => {
    await using at = await stage({ reregister: false });
    const { manager, session } = at;
    const { signal } = await session.takeInterfaceOwnership({ ifIndex: 1 });
    manager.script('take', () => refused(87, 'bad-handle'));
    const error = await errorOf(session.takeInterfaceOwnership({ ifIndex: 2 }));
    expect(error).toMatchObject({ code: 'MGM_BAD_HANDLE', outcome: 'not-done' });
    expect([signal.aborted, session.state]).toEqual([true, 'over']);
    expect(manager.of('keepalive').length).toBeLessThanOrEqual(1);
  });
});

describe('a deregistration', () => {
  it('by force abandons pending calls, with a number above all of them', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const sent = Promise.withResolvers<void>();
    manager.script('take', () => sent.resolve());
    const take = errorOf(session.takeInterfaceOwnership({ ifIndex: 7 }));
    await sent.promise;
    await session.deregister({ force: true });
    expect(await take).toMatchObject({ code: 'MGM_SESSION_LOST', outcome: 'unknown' });
    expect(manager.distinct('deregister').map(numbers)).toEqual([['deregister', 2, 2]]);
    expect(session.signal.aborted).toBe(true);
  });

  it('waits for pending calls, refuses new ones, and keeps the session if it is refused', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const sent = Promise.withResolvers<(reply: object) => void>();
    manager.script('take', (_received, answer) => sent.resolve(answer));
    manager.script('deregister', () => refused(1003, 'owns-interfaces'));
    const take = session.takeInterfaceOwnership({ ifIndex: 7 });
    const answer = await sent.promise;
    const leaving = errorOf(session.deregister());
    const late = await errorOf(session.takeInterfaceOwnership({ ifIndex: 8 }));
    expect(late).toMatchObject({ code: 'MGM_SESSION_LOST', outcome: 'not-done' });
    expect(manager.distinct('deregister')).toEqual([]);
    answer({ epoch: '5' });
    const ownership = await take;
    expect(await leaving).toMatchObject({ code: 'MGM_OWNS_INTERFACES', status: 1003 });
    expect(ownership.isHeld).toBe(true);
    await session.releaseInterfaceOwnership({ ifIndex: 7 });
    manager.script('deregister', () => ({}));
    await session.deregister();
    expect(session.state).toBe('over');
  });

  it('with an unknown outcome ends the session on this side', async () => {
    await using at = await stage();
    const { manager, session } = at;
    manager.script('deregister', () => undefined);
    const error = await errorOf(session.deregister());
    expect(error).toMatchObject({ code: 'MGM_TIMEOUT', outcome: 'unknown' });
    expect(session.state).toBe('over');
  });
});

describe('many calls at the same time', () => {
  it('are sent as one request, and return values in bulk calls', async () => {
    await using at = await stage();
    const { manager, session } = at;
    manager.script('take', ({ fields }) => {
      const results = (fields['interfaces'] as [number, string][]).map(([ifIndex]) =>
        ifIndex === 2
          ? refused(183, 'already-owned', { holder: { protocolId: 9 } })
          : { status: 0, epoch: String(ifIndex) },
      );
      return { results };
    });
    const results = await session.takeInterfaces([
      { ifIndex: 1 },
      { ifIndex: 2, nextHop: 0x0a000001 },
    ]);
    expect(results).toMatchObject([
      { kind: 'taken', ifIndex: 1, ownership: { epoch: '1' } },
      {
        kind: 'failed',
        ifIndex: 2,
        nextHop: '10.0.0.1',
        error: { code: 'MGM_ALREADY_OWNED', holder: { protocolId: 9 } },
      },
    ]);
    expect(manager.distinct('take').map(({ fields }) => fields['interfaces'])).toEqual([
      [
        [1, ''],
        [2, '10.0.0.1'],
      ],
    ]);
  });

  it('are refused as a whole if one is invalid or duplicate', async () => {
    await using at = await stage();
    const { manager, session } = at;
    const wrong = await errorOf(session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: -1 }]));
    expect(wrong).toMatchObject({ code: 'MGM_BAD_REQUEST', field: 'interfaces[1].ifIndex' });
    const twice = await errorOf(
      session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 1, nextHop: '' }]),
    );
    expect(twice).toMatchObject({ code: 'MGM_BAD_REQUEST', field: 'interfaces[1]' });
    expect(manager.distinct('take')).toEqual([]);
  });

  it('do not flood the manager: more than 8192 interfaces wait for replies', async () => {
    await using at = await stage({ timeoutMs: 5_000, deadlineMs: 10_000 });
    const { manager, session } = at;
    const answers: (() => void)[] = [];
    const seen = new Set<unknown>();
    manager.script('take', ({ fields }, answer) => {
      // The client repeats what is not answered soon.
      if (seen.has(fields['seq'])) return;
      seen.add(fields['seq']);
      const { length } = fields['interfaces'] as unknown[];
      const results = Array.from({ length }, (_, one) => ({ status: 0, epoch: String(one + 1) }));
      answers.push(() => answer({ results }));
    });
    const refs = Array.from({ length: 10_000 }, (_, one) => ({ ifIndex: one + 1 }));
    const taking = session.takeInterfaces(refs);
    await eventually(() => expect(answers).toHaveLength(32), MS);
    expect(answers).toHaveLength(32);
    for (const answer of answers) answer();
    await eventually(() => expect(answers).toHaveLength(40), MS);
    for (const answer of answers.slice(32)) answer();
    const results = await taking;
    expect(results.filter(({ kind }) => kind === 'taken')).toHaveLength(10_000);
  });

  it('are sent one by one without gathering', async () => {
    await using at = await stage({ gather: false });
    const { manager, session } = at;
    await Promise.all([1, 2].map((ifIndex) => session.takeInterfaceOwnership({ ifIndex })));
    expect(manager.distinct('take').map(({ fields }) => fields['ifIndex'])).toEqual([1, 2]);
  });
});
