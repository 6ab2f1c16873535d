import { setImmediate as turn } from 'node:timers/promises';
import {
  decodeMessage,
  encodeMessage,
  type OperationName,
  routerName,
  managerSubjects,
} from '@mgm/protocol';
import type { Store } from '@mgm/store';
import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { Metrics } from './health/metrics.ts';
import { Intake } from './intake.ts';
import { TroubleLog } from './log.ts';
import { Routers } from './routers.ts';

const REV = 7;
const TARGET = { ifIndex: 7 };
const TAKE = { handle: '1.abc', seq: 1, ack: 1, ...TARGET };

/** An intake whose store replies when the test resolves `decided`. */
function start() {
  const replies: Record<string, unknown>[] = [];
  const executed: { deadlineMs?: number }[] = [];
  const decided = Promise.withResolvers<object>();
  const store = {
    execute: (_: unknown, __: unknown, request: { deadlineMs?: number }) => {
      executed.push(request);
      return decided.promise;
    },
    head: () => Promise.reject(new Error('not used')),
  };
  const log = pino({ level: 'silent' });
  const subjects = managerSubjects();
  const intake = new Intake({
    store: store as unknown as Pick<Store, 'execute' | 'head'>,
    subjects,
    log,
    bus: {
      maxPayload: 65_536,
      publish: (_, bytes) => {
        const decoded = decodeMessage(bytes);
        if (decoded.kind === 'message') replies.push({ ...decoded.value });
      },
    },
    standstill: { catchesUp: () => false },
    routers: new Routers([]),
    metrics: new Metrics(),
    permissions: undefined,
    trouble: new TroubleLog(log),
  });
  const receive = (operation: OperationName, fields: object): void => {
    const subject = subjects.operation(routerName('r1'), operation);
    intake.receive(operation, { subject, data: encodeMessage(fields), reply: '_INBOX.x' });
  };
  return { replies, executed, decided, receive };
}

/** Lets the monotonic clock of this process jump, as it does for a process that stood still. */
function jump(ms: number): Disposable {
  const atMono = performance.now() + ms;
  const clock = vi.spyOn(performance, 'now').mockReturnValue(atMono);
  return { [Symbol.dispose]: () => clock.mockRestore() };
}

describe('a reply that the store decided before this process stood still', () => {
  it.each([
    ['owner', TARGET, 'unavailable'],
    ['take', TAKE, undefined],
  ] as const)('to %s %j is refused as %s', async (operation, fields, reason) => {
    const { replies, decided, receive } = start();
    receive(operation, fields);
    using _ = jump(2_500);
    decided.resolve({ status: 0, rev: REV, epoch: '1' });
    await turn();
    expect(replies).toHaveLength(1);
    expect(replies[0]?.['reason']).toBe(reason);
  });

  it('is sent to a read that waited less than two seconds', async () => {
    const { replies, decided, receive } = start();
    receive('owner', TARGET);
    using _ = jump(1_500);
    decided.resolve({ status: 0, rev: REV, epoch: '1' });
    await turn();
    expect(replies).toMatchObject([{ status: 0 }]);
  });
});

it.each([
  [undefined, 2_000],
  [500, 500],
  [60_000, 2_000],
])('a request with a deadline of %s ms is executed within %s ms', (deadlineMs, expected) => {
  const { executed, receive } = start();
  receive('take', { ...TAKE, ...(deadlineMs !== undefined && { deadlineMs }) });
  expect(executed).toMatchObject([{ deadlineMs: expected }]);
});
