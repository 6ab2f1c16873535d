import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { InterfaceKey, Reply } from '@mgm/protocol';
import { NO_NEXT_HOP } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import type { Answer, Call } from '../rpc/calls.ts';
import { MgmError } from '../errors.ts';
import { Gather, type Batch, type Change, type Item, type ItemAnswer } from './gather.ts';
import { Sequence } from './sequence.ts';

interface SentBatch extends Batch {
  readonly seq: number;
  abandoned: boolean;
  answer(reply: object): void;
}

/** A gatherer whose requests are answered by the test. */
function newGather(maxUnfinished = 1_000) {
  const sequence = new Sequence(maxUnfinished);
  const sent: SentBatch[] = [];
  const gather = new Gather({
    hasRoom: () => sequence.hasRoom,
    finish: (seq) => sequence.finish(seq),
    send: (batch) => {
      const numbered = sequence.issue();
      const { promise, resolve, reject } = Promise.withResolvers<Answer<Change>>();
      const one: SentBatch = {
        ...batch,
        seq: numbered.seq,
        abandoned: false,
        answer: (reply) =>
          resolve({ reply: { rev: 1, ...reply } as Reply<Change>, sentMono: 0, firstSentMono: 0 }),
      };
      sent.push(one);
      const call: Call<Change> = {
        answer: promise,
        failure: (why) => gaveUp(why),
        abandon: (why) => {
          one.abandoned = true;
          reject(gaveUp(why));
        },
      };
      return { numbered, call };
    },
  });
  return { gather, sent, sequence };
}

function gaveUp(reason: 'timeout' | 'aborted'): MgmError {
  return new MgmError('given up', { reason, outcome: 'unknown' });
}

function newItem(ifIndex: number, change: Change = 'take', group = 0) {
  const key: InterfaceKey = { ifIndex, nextHop: NO_NEXT_HOP };
  const answers: ItemAnswer[] = [];
  const item: Item = {
    change,
    key,
    group,
    timeoutMs: 100,
    deadlineMono: 1_000,
    answered: (answer) => void answers.push(answer),
  };
  return { item, answers };
}

const ifIndexes = (batch: Batch | undefined) => batch?.items.map(({ key }) => key.ifIndex);

describe('what is issued in one turn of the event loop', () => {
  it('shares one request, also across the promises of that turn', async () => {
    const { gather, sent } = newGather();
    gather.add(newItem(1).item);
    await Promise.resolve();
    gather.add(newItem(2).item);
    await endOfTurn();
    expect(sent.map(ifIndexes)).toEqual([[1, 2]]);
  });

  it('is split into requests of 256', async () => {
    const { gather, sent } = newGather();
    for (let n = 1; n <= 514; n++) gather.add(newItem(n).item);
    await endOfTurn();
    expect(sent.map(({ items }) => items.length)).toEqual([256, 256, 2]);
  });

  it('is split by group and by what is asked, and releases go first', async () => {
    const { gather, sent } = newGather();
    gather.add(newItem(1).item);
    gather.add(newItem(2, 'take', 7).item);
    gather.add(newItem(3, 'release').item);
    await endOfTurn();
    expect(sent.map(({ change }) => change)).toEqual(['release', 'take', 'take']);
    expect(sent.map(ifIndexes)).toEqual([[3], [1], [2]]);
  });

  it('waits while the window is full, and then leaves as one request', async () => {
    const { gather, sent } = newGather(1);
    gather.add(newItem(1).item);
    await endOfTurn();
    gather.add(newItem(2).item);
    await endOfTurn();
    gather.add(newItem(3).item);
    await endOfTurn();
    expect(sent).toHaveLength(1);
    sent[0]?.answer({ status: 0, epoch: '11' });
    await endOfTurn();
    expect(sent.map(ifIndexes)).toEqual([[1], [2, 3]]);
  });
});

describe('an answer', () => {
  it('is given to each interface by its place in the request', async () => {
    const { gather, sent } = newGather();
    const one = newItem(1);
    const two = newItem(2);
    gather.add(one.item);
    gather.add(two.item);
    await endOfTurn();
    const refusal = { status: 183, error: 'E', reason: 'already-owned', message: '' };
    sent[0]?.answer({ status: 0, results: [{ status: 0, epoch: '5' }, refusal] });
    await endOfTurn();
    expect(one.answers).toEqual([{ kind: 'done', epoch: '5' }]);
    expect(two.answers).toEqual([{ kind: 'refused', refusal }]);
  });

  it('that has too few results leaves the rest unknown', async () => {
    const { gather, sent } = newGather();
    const [one, two] = [newItem(1), newItem(2)];
    gather.add(one.item);
    gather.add(two.item);
    await endOfTurn();
    sent[0]?.answer({ status: 0, results: [{ status: 0, epoch: '5' }] });
    await endOfTurn();
    expect(two.answers).toMatchObject([
      { kind: 'unanswered', error: { reason: 'bad-reply', outcome: 'unknown' } },
    ]);
  });

  it('to a take without an epoch is no answer', async () => {
    const { gather, sent } = newGather();
    const { item, answers } = newItem(1);
    gather.add(item);
    await endOfTurn();
    sent[0]?.answer({ status: 0 });
    await endOfTurn();
    expect(answers).toMatchObject([{ kind: 'unanswered', error: { outcome: 'unknown' } }]);
  });
});

describe('an item that nobody wants any more', () => {
  it('leaves the queue if it was not sent', async () => {
    const { gather, sent } = newGather();
    const { item, answers } = newItem(1);
    gather.add(item);
    gather.add(newItem(2).item);
    gather.drop(item, 'aborted');
    await endOfTurn();
    expect(sent.map(ifIndexes)).toEqual([[2]]);
    expect(answers).toEqual([]);
  });

  it('does not end the request of the others, and is told how it came out', async () => {
    const { gather, sent } = newGather();
    const [one, two] = [newItem(1), newItem(2)];
    gather.add(one.item);
    gather.add(two.item);
    await endOfTurn();
    gather.drop(one.item, 'aborted');
    expect(sent[0]?.abandoned).toBe(false);
    sent[0]?.answer({
      status: 0,
      results: [
        { status: 0, epoch: '5' },
        { status: 0, epoch: '6' },
      ],
    });
    await endOfTurn();
    expect(one.answers).toEqual([{ kind: 'done', epoch: '5' }]);
    expect(two.answers).toEqual([{ kind: 'done', epoch: '6' }]);
  });

  it('ends the request when it is the last, whose number is then finished and named', async () => {
    const { gather, sent, sequence } = newGather();
    const [one, two] = [newItem(1), newItem(2)];
    gather.add(one.item);
    gather.add(two.item);
    await endOfTurn();
    gather.drop(one.item, 'aborted');
    gather.drop(two.item, 'timeout');
    expect(sent[0]?.abandoned).toBe(true);
    await endOfTurn();
    expect(one.answers).toMatchObject([{ kind: 'unanswered', abandonedSeq: 1 }]);
    expect(sequence.ack).toBe(2);
  });
});

describe('the end of the session', () => {
  it('answers everything once, sent or not', async () => {
    const { gather, sent } = newGather(1);
    const [one, two] = [newItem(1), newItem(2)];
    gather.add(one.item);
    await endOfTurn();
    gather.add(two.item);
    const error = new MgmError('over', { reason: 'session-lost', outcome: 'not-done' });
    gather.end(error);
    await endOfTurn();
    expect(sent.map(({ abandoned }) => abandoned)).toEqual([true]);
    expect([one.answers, two.answers]).toEqual([
      [{ kind: 'unanswered', error }],
      [{ kind: 'unanswered', error }],
    ]);
  });
});
