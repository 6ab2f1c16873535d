import { startNats, type RunningServer } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type LeaseGate, type Renewal } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { scriptedManager } from './scripted-manager.ts';
import { clientStage, next, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };

/** Records what it is called with. */
class RecordingGate implements LeaseGate {
  readonly armed: Renewal[] = [];
  readonly committed: Renewal[] = [];
  /** When the slot that packets pass closes, by its own clock. */
  closesMono = 0;

  arm(renewal: Renewal): void {
    this.armed.push(renewal);
  }

  commit(renewal: Renewal): void {
    this.committed.push(renewal);
    this.closesMono = renewal.sentMono + renewal.openForMs;
  }
}

describe('a gate', () => {
  it('opens right after the registration and is renewed by each keepalive', async () => {
    await using mgm = await stage.client();
    const gate = new RecordingGate();
    const before = performance.now();
    await using session = await mgm.registerProtocol(pim({ ttlMs: 30_000, gate }));
    await eventually(() => expect(gate.committed).toHaveLength(1), MS);
    const [first] = gate.committed;
    expect(first).toBe(gate.armed[0]);
    expect(first).toMatchObject({ session: session.id, openForMs: 28_500 });
    expect(first?.sentMono).toBeGreaterThan(before);
    expect(first?.deadlineMono).toBe((first?.sentMono ?? 0) + 28_500);
    // Long before a third of the lease.
    session.reportProgrammed(0);
    await eventually(() => expect(gate.committed).toHaveLength(2), MS);
    expect(gate.committed).toEqual(gate.armed);
  });

  it('closes no later than the session ends when managers do not answer', async () => {
    await using mgm = await stage.client();
    const gate = new RecordingGate();
    const options = { ttlMs: 2_000, keepaliveEveryMs: 100, gate, reregister: false } as const;
    const session = await mgm.registerProtocol(pim(options));
    await eventually(() => expect(gate.committed.length).toBeGreaterThan(3), MS);
    const lost = next(session, 'lost');
    stage.manager.pause();
    await lost;
    expect(gate.closesMono).toBeLessThanOrEqual(performance.now());
    // Keepalives were sent meanwhile, and none of them opened the gate.
    expect(gate.armed.length).toBeGreaterThan(gate.committed.length);
    stage.manager.resume();
  });

  it.each([99, 700, NaN])('keepaliveEveryMs is not %d for a lease of 2 s', async (everyMs) => {
    await using mgm = await stage.client();
    const options = pim({ ttlMs: 2_000, keepaliveEveryMs: everyMs });
    expect(await errorOf(mgm.registerProtocol(options))).toMatchObject({
      ...{ reason: 'bad-request', field: 'keepaliveEveryMs' },
    });
  });
});

describe('a gate against a scripted manager', () => {
  let nats: RunningServer;
  beforeAll(async () => {
    nats = await startNats(inject('servers'));
  });
  afterAll(async () => await nats.stop());

  it('is armed before the keepalive is sent and committed after its reply', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const order: string[] = [];
    manager.script('keepalive', () => {
      order.push('keepalive');
      return { ttlMs: 10_000, mailbox: 0 };
    });
    const gate = { arm: () => void order.push('arm'), commit: () => void order.push('commit') };
    await using _session = await mgm.registerProtocol(pim({ gate }));
    await eventually(() => expect(order).toEqual(['arm', 'keepalive', 'commit']), MS);
  });

  it('that fails is not committed, and the session lives on', async () => {
    await using manager = await scriptedManager(nats.url);
    const errors: object[] = [];
    const logger = { ...silent, error: (fields: object) => void errors.push(fields) };
    await using mgm = await connect({ servers: nats.url, router: 'r1', logger });
    const committed: Renewal[] = [];
    const gate: LeaseGate = {
      arm: () => {
        throw new Error('no such table');
      },
      commit: (renewal) => void committed.push(renewal),
    };
    await using session = await mgm.registerProtocol(pim({ gate }));
    session.reportProgrammed(7);
    await eventually(() => expect(errors).toHaveLength(1), MS);
    await eventually(
      () => expect(manager.of('keepalive')[0]?.fields).toMatchObject({ frev: 7 }),
      MS,
    );
    expect([committed, session.state]).toEqual([[], 'live']);
    expect(errors).toMatchObject([{ method: 'arm' }]);
    expect(() => session.reportProgrammed(-1)).toThrow('frev: must be an integer from 0');
  });

  it('is not committed by a reply that came after the deadline', async () => {
    await using manager = await scriptedManager(nats.url);
    await using mgm = await connect({ servers: nats.url, router: 'r1' });
    const gate = new RecordingGate();
    const held: ((reply: object) => void)[] = [];
    manager.script('register', () => ({
      ...{ handle: 'secret', session: 78, ttlMs: 1_000, graceMs: 0, mailbox: 0, resumed: false },
    }));
    manager.script('keepalive', (_, answer) => void held.push(answer));
    const session = await mgm.registerProtocol(pim({ ttlMs: 1_000, gate, reregister: false }));
    await next(session, 'lost');
    for (const answer of held) answer({ ttlMs: 1_000, mailbox: 0 });
    // A request that is answered later than those replies.
    await mgm.interfaces().next();
    expect([gate.armed.length > 0, gate.committed]).toEqual([true, []]);
  });
});

const nothing = (): void => {};
const silent = { warn: nothing, info: nothing, debug: nothing, trace: nothing };
