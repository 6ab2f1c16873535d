import { setImmediate as endOfTurn } from 'node:timers/promises';
import {
  decodeMessage,
  routerName,
  subjectsUnder,
  type Handle,
  type SessionId,
} from '@mgm/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeldAlerts } from '../membership/held-alerts.ts';
import { silentLogger } from '../options.ts';
import type { CallRequest } from '../rpc/call.ts';
import { StoreLog, type Context } from '../rpc/context.ts';
import { readCallback, type AnyCallback } from '../rpc/messages.ts';
import { Emitter, type SessionEvents } from './events.ts';
import { HandlerTurn } from './turn.ts';
import { Mailbox } from './mailbox.ts';
import { VirtualClock } from '../../test/virtual-clock.ts';

const message = (seq: number) => ({
  ...{ seq, type: 'DISABLE_IGMP', ts: 1, rev: 1, cause: 'take' },
  ...{ ifIndex: 1, nextHop: '' },
});

function callback(seq: number): AnyCallback {
  const read = readCallback(message(seq));
  if (!read) throw new Error('not readable');
  return read;
}

/** A mailbox whose manager keeps `stored` callbacks; the first of them has the number `first`. */
function newMailbox({ stored = 0, first = 1, holdMs = 0 } = {}) {
  const calls: string[] = [];
  const alerts = new HeldAlerts(holdMs);
  const clock = new VirtualClock();
  const handled: number[] = [];
  const reads: [from: number, limit: number][] = [];
  const missed: [number, number][] = [];
  const state = { stored, first, gate: Promise.resolve(), acknowledged: 0, failing: false };
  const read = async ({ payload }: CallRequest<'mailbox'>) => {
    const decoded = decodeMessage(payload);
    if (decoded.kind === 'malformed') throw new Error(decoded.fault);
    const { from, limit } = decoded.value as { from: number; limit: number };
    reads.push([from, limit]);
    await endOfTurn();
    if (state.failing) throw new Error('not readable');
    const start = Math.max(from + 1, state.first);
    const length = Math.max(0, Math.min(limit, state.stored - start + 1));
    const messages = Array.from({ length }, (_, at) => message(start + at));
    return { reply: { status: 0, rev: 1, messages, head: state.stored } };
  };
  const context = {
    router: routerName('r1'),
    subjects: subjectsUnder('mgm.v1'),
    transport: { subscribe: () => () => {} },
    calls: { start: (request: CallRequest<'mailbox'>) => ({ result: read(request) }) },
    clock,
    store: new StoreLog(),
    logger: silentLogger,
    timeoutMs: 1_000,
    deadlineMs: 1_000,
  } as unknown as Context;
  const events = new Emitter<SessionEvents>(silentLogger);
  events.on('callbacks-missed', (range) => missed.push([range.first, range.last]));
  const mailbox: Mailbox = new Mailbox(context, {
    handle: 'secret' as Handle,
    session: 1 as SessionId,
    turn: new HandlerTurn(),
    handlers: {
      onDisableIgmp: async ({ seq }) => {
        await state.gate;
        handled.push(seq);
      },
      onPruneAlert: ({ seq }) => void calls.push(`prune ${seq}`),
      onResync: ({ cause }) => void calls.push(`resync ${cause}`),
    },
    events,
    over: () => undefined,
    onOwnershipLost: () => {},
    onSessionLost: () => {},
    onHandled: () => void state.acknowledged++,
    alerts,
    onIgmp: () => {},
    onIgmpHandled: () => {},
    onUnknown: () => {},
    acknowledge: async () => void calls.push(`acknowledge ${mailbox.handled}`),
  });
  return { mailbox, handled, reads, missed, state, calls, alerts, clock };
}

async function turns(count = 20): Promise<void> {
  for (let n = 0; n < count; n++) await endOfTurn();
}

/** An alert message of a window with one item. */
function pruneOf(seq: number): AnyCallback {
  const fields = { ts: 1, memberDelete: true, mrev: 1, cause: 'take', window: true };
  const items = [[`239.0.0.${seq}`, '', 1, '', false]];
  const read = readCallback({ seq, type: 'PRUNE_ALERT', ...fields, items });
  if (read?.kind !== 'alert') throw new Error('not readable');
  return read;
}

describe('an alert that is held', () => {
  it('counts as handled, and is delivered when its time is over', async () => {
    const { mailbox, calls, clock } = newMailbox({ stored: 1, holdMs: 30 });
    mailbox.push(pruneOf(1));
    await turns();
    clock.pass(29);
    await turns();
    expect([mailbox.handled, calls]).toEqual([1, []]);
    clock.pass(1);
    await turns();
    expect(calls).toEqual(['prune 1']);
  });

  it('is discarded by RESYNC, which is acknowledged before its handler is called', async () => {
    const { mailbox, calls, clock } = newMailbox({ stored: 4, holdMs: 30 });
    mailbox.push(pruneOf(1));
    mailbox.push({ kind: 'alert', seq: 2, message: { seq: 2, type: 'RESYNC', ts: 1, mrev: 1 } });
    mailbox.push(pruneOf(3));
    await turns();
    clock.pass(30);
    await turns();
    expect(calls).toEqual(['acknowledge 2', 'resync overflow', 'prune 3']);
  });

  it('is discarded by a recovery, which is reported once', async () => {
    const { mailbox, calls, clock } = newMailbox({ stored: 2, holdMs: 30 });
    mailbox.push(pruneOf(1));
    await turns();
    mailbox.recovered();
    await turns();
    mailbox.push(pruneOf(2));
    await turns();
    clock.pass(30);
    await turns();
    expect(calls).toEqual(['resync recovered', 'prune 2']);
  });

  it('is discarded by the end of the session', async () => {
    const { mailbox, alerts } = newMailbox({ stored: 1, holdMs: 30 });
    mailbox.push(pruneOf(1));
    await turns();
    expect(alerts.nextDueMono).toBeLessThan(Infinity);
    mailbox.end();
    expect(alerts.nextDueMono).toBe(Infinity);
  });
});

describe('callbacks', () => {
  it('are handled in order, one at a time, as they are pushed', async () => {
    const { mailbox, handled, reads } = newMailbox({ stored: 3 });
    for (const seq of [1, 2, 3]) mailbox.push(callback(seq));
    await turns();
    expect(handled).toEqual([1, 2, 3]);
    expect(mailbox.handled).toBe(3);
    expect(reads).toEqual([]);
  });

  it('that are pushed twice are handled once', async () => {
    const { mailbox, handled } = newMailbox({ stored: 2 });
    for (const seq of [1, 1, 2, 1, 2]) mailbox.push(callback(seq));
    await turns();
    expect(handled).toEqual([1, 2]);
  });

  it('that were lost are read when a later one shows the gap', async () => {
    const { mailbox, handled, reads } = newMailbox({ stored: 4 });
    mailbox.push(callback(1));
    mailbox.push(callback(4));
    await turns();
    expect(handled).toEqual([1, 2, 3, 4]);
    expect(reads.map(([from]) => from)).toEqual([1]);
  });

  it('that were lost are read when a reply shows the gap', async () => {
    const { mailbox, handled } = newMailbox({ stored: 3 });
    mailbox.sawHead(3);
    await turns();
    expect(handled).toEqual([1, 2, 3]);
  });

  it('are read again at the next sign of a gap if reading failed', async () => {
    const { mailbox, handled, state } = newMailbox({ stored: 2 });
    state.failing = true;
    mailbox.sawHead(2);
    await turns();
    expect(handled).toEqual([]);
    state.failing = false;
    mailbox.sawHead(2);
    await turns();
    expect(handled).toEqual([1, 2]);
  });

  it('that the manager no longer has are reported as missed, and the rest is handled', async () => {
    const { mailbox, handled, missed } = newMailbox({ stored: 5, first: 4 });
    mailbox.sawHead(5);
    await turns();
    expect(missed).toEqual([[1, 3]]);
    expect(handled).toEqual([4, 5]);
  });

  it('that do not fit into the queue stay in the mailbox until there is room', async () => {
    const { mailbox, handled, reads, state } = newMailbox({ stored: 3_000 });
    const { promise, resolve } = Promise.withResolvers<void>();
    state.gate = promise;
    for (let seq = 1; seq <= 3_000; seq++) mailbox.push(callback(seq));
    await turns();
    expect(handled).toEqual([]);
    resolve();
    await turns(5_000);
    expect(handled).toEqual(Array.from({ length: 3_000 }, (_, at) => at + 1));
    expect(Math.max(...reads.map(([, limit]) => limit))).toBeLessThanOrEqual(1_000);
  });

  it('are not handled once the session is over', async () => {
    const { mailbox, handled } = newMailbox({ stored: 2 });
    mailbox.push(callback(1));
    mailbox.end();
    mailbox.push(callback(2));
    await turns();
    expect(handled).toEqual([]);
  });

  it('are handled exactly once and in order whatever pushes are dropped, repeated or late', async () => {
    const pushes = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(pushes, async (seqs) => {
        const { mailbox, handled } = newMailbox({ stored: 12 });
        for (const seq of seqs) {
          mailbox.push(callback(seq));
          if (seq % 2 === 0) await endOfTurn();
        }
        mailbox.sawHead(12);
        await turns(40);
        expect(handled).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      }),
      { numRuns: 50 },
    );
  });
});
