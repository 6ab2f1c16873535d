import { setImmediate as endOfTurn } from 'node:timers/promises';
import { decodeMessage, NO_NEXT_HOP, routerName, subjectsUnder } from '@mgm/protocol';
import type { Handle, InterfaceKey, OperationName } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { MgmError } from '../errors.ts';
import type { CallRequest } from '../rpc/call.ts';
import { systemClock } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { Requests, type InterfaceOperation, type Item, type ItemResult } from './requests.ts';

interface SentRequest {
  readonly operation: OperationName;
  readonly ifIndexes: number[];
  abandoned: boolean;
  reply(reply: object): void;
}

/** The requests of a session whose replies come from the test. */
function newRequests(inFlightMax = 1_000) {
  const sent: SentRequest[] = [];
  const start = ({ operation, payload }: CallRequest<OperationName>) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const one: SentRequest = {
      operation,
      ifIndexes: ifIndexesIn(payload),
      abandoned: false,
      reply: (reply) => resolve({ reply: { rev: 1, ...reply }, sentMono: 0, firstSentMono: 0 }),
    };
    sent.push(one);
    return {
      result: promise,
      failure: (why: 'timeout' | 'aborted') => gaveUp(why),
      abandon: (why: 'timeout' | 'aborted') => {
        one.abandoned = true;
        reject(gaveUp(why));
      },
    };
  };
  const context = {
    router: routerName('r1'),
    subjects: subjectsUnder('mgm.v1'),
    clock: systemClock,
    calls: { start },
  } as unknown as Context;
  const requests = new Requests(context, 'secret' as Handle, () => undefined, inFlightMax);
  return { requests, sent };
}

function ifIndexesIn(payload: Uint8Array): number[] {
  const decoded = decodeMessage(payload);
  if (decoded.kind === 'malformed') throw new Error(decoded.fault);
  const { ifIndex, interfaces } = decoded.value as {
    ifIndex: number;
    interfaces?: [number, string][];
  };
  return interfaces ? interfaces.map(([one]) => one) : [ifIndex];
}

function gaveUp(reason: 'timeout' | 'aborted'): MgmError {
  return new MgmError('given up', { reason, outcome: 'unknown' });
}

function newItem(ifIndex: number, operation: InterfaceOperation = 'take', group = 0) {
  const key: InterfaceKey = { ifIndex, nextHop: NO_NEXT_HOP };
  const results: ItemResult[] = [];
  const item: Item = {
    operation,
    key,
    group,
    timeoutMs: 100,
    deadlineMono: 1_000,
    sentIn: undefined,
    onResult: (result) => void results.push(result),
  };
  return { item, results };
}

const ifIndexes = ({ ifIndexes: all }: SentRequest) => all;

describe('items added in one turn of the event loop', () => {
  it('share one request, also across the promises of that turn', async () => {
    const { requests, sent } = newRequests();
    requests.add(newItem(1).item);
    await Promise.resolve();
    requests.add(newItem(2).item);
    await endOfTurn();
    expect(sent.map(ifIndexes)).toEqual([[1, 2]]);
  });

  it('are split into requests of 256', async () => {
    const { requests, sent } = newRequests();
    for (let n = 1; n <= 514; n++) requests.add(newItem(n).item);
    await endOfTurn();
    expect(sent.map(({ ifIndexes: all }) => all.length)).toEqual([256, 256, 2]);
  });

  it('are split by group and by operation, and releases are sent first', async () => {
    const { requests, sent } = newRequests();
    requests.add(newItem(1).item);
    requests.add(newItem(2, 'take', 7).item);
    requests.add(newItem(3, 'release').item);
    await endOfTurn();
    expect(sent.map(({ operation }) => operation)).toEqual(['release', 'take', 'take']);
    expect(sent.map(ifIndexes)).toEqual([[3], [1], [2]]);
  });

  it('are queued while the window is full, and then sent as one request', async () => {
    const { requests, sent } = newRequests(1);
    requests.add(newItem(1).item);
    await endOfTurn();
    requests.add(newItem(2).item);
    await endOfTurn();
    requests.add(newItem(3).item);
    await endOfTurn();
    expect(sent).toHaveLength(1);
    sent[0]?.reply({ status: 0, epoch: '11' });
    await endOfTurn();
    expect(sent.map(ifIndexes)).toEqual([[1], [2, 3]]);
  });
});

describe('a reply', () => {
  it('is given to each interface by its index in the request', async () => {
    const { requests, sent } = newRequests();
    const one = newItem(1);
    const two = newItem(2);
    requests.add(one.item);
    requests.add(two.item);
    await endOfTurn();
    const refusal = { status: 183, error: 'E', reason: 'already-owned', message: '' };
    sent[0]?.reply({ status: 0, results: [{ status: 0, epoch: '5' }, refusal] });
    await endOfTurn();
    expect(one.results).toEqual([{ kind: 'done', epoch: '5' }]);
    expect(two.results).toEqual([{ kind: 'refused', refusal }]);
  });

  it('with too few results leaves the rest unknown', async () => {
    const { requests, sent } = newRequests();
    const [one, two] = [newItem(1), newItem(2)];
    requests.add(one.item);
    requests.add(two.item);
    await endOfTurn();
    sent[0]?.reply({ status: 0, results: [{ status: 0, epoch: '5' }] });
    await endOfTurn();
    expect(two.results).toMatchObject([
      { kind: 'unanswered', error: { reason: 'bad-reply', outcome: 'unknown' } },
    ]);
  });

  it('to a take without an epoch is invalid', async () => {
    const { requests, sent } = newRequests();
    const { item, results } = newItem(1);
    requests.add(item);
    await endOfTurn();
    sent[0]?.reply({ status: 0 });
    await endOfTurn();
    expect(results).toMatchObject([{ kind: 'unanswered', error: { outcome: 'unknown' } }]);
  });
});

describe('an item without a caller', () => {
  it('is removed from the queue if it was not sent', async () => {
    const { requests, sent } = newRequests();
    const { item, results } = newItem(1);
    requests.add(item);
    requests.add(newItem(2).item);
    requests.drop(item, 'aborted');
    await endOfTurn();
    expect(sent.map(ifIndexes)).toEqual([[2]]);
    expect(results).toEqual([]);
  });

  it('does not stop the request of the others, and still gets its result', async () => {
    const { requests, sent } = newRequests();
    const [one, two] = [newItem(1), newItem(2)];
    requests.add(one.item);
    requests.add(two.item);
    await endOfTurn();
    requests.drop(one.item, 'aborted');
    expect(sent[0]?.abandoned).toBe(false);
    sent[0]?.reply({
      status: 0,
      results: [
        { status: 0, epoch: '5' },
        { status: 0, epoch: '6' },
      ],
    });
    await endOfTurn();
    expect(one.results).toEqual([{ kind: 'done', epoch: '5' }]);
    expect(two.results).toEqual([{ kind: 'done', epoch: '6' }]);
  });

  it('abandons the request if it is the last, and its number is finished', async () => {
    const { requests, sent } = newRequests();
    const [one, two] = [newItem(1), newItem(2)];
    requests.add(one.item);
    requests.add(two.item);
    await endOfTurn();
    requests.drop(one.item, 'aborted');
    requests.drop(two.item, 'timeout');
    expect(sent[0]?.abandoned).toBe(true);
    await endOfTurn();
    expect(one.results).toMatchObject([{ kind: 'unanswered', abandonedSeq: 1 }]);
    expect(requests.sequence.ack).toBe(2);
  });
});

describe('the end of the session', () => {
  it('gives every item one result, sent or not', async () => {
    const { requests, sent } = newRequests(1);
    const [one, two] = [newItem(1), newItem(2)];
    requests.add(one.item);
    await endOfTurn();
    requests.add(two.item);
    const error = new MgmError('over', { reason: 'session-lost', outcome: 'not-done' });
    requests.end(error);
    await endOfTurn();
    expect(sent.map(({ abandoned }) => abandoned)).toEqual([true]);
    expect([one.results, two.results]).toEqual([
      [{ kind: 'unanswered', error }],
      [{ kind: 'unanswered', error }],
    ]);
  });
});
