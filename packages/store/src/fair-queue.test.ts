import { heapAfter } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import {
  FairQueue,
  hasHighPriorityRoom,
  hasRoom,
  retryAfterMs,
  type QueueItem,
} from './fair-queue.ts';

interface Named extends QueueItem {
  readonly name: string;
}

let arrivals = 0;

type Fields = Partial<Omit<QueueItem, 'flow'>> & { readonly flow?: number };

const item = (name: string, { flow = 0, ...fields }: Fields = {}): Named => ({
  name,
  arrival: ++arrivals,
  flow: String(flow),
  isHighPriority: false,
  isExclusive: false,
  weight: 1,
  ...fields,
});

function queued(...items: Named[]): FairQueue<Named> {
  const queue = new FairQueue<Named>();
  for (const one of items) queue.push(one);
  return queue;
}

const namesOf = (items: readonly Named[]): string => items.map(({ name }) => name).join(' ');

describe('a fair queue', () => {
  it('lets flows take turns, each in its own order', () => {
    const queue = queued(
      ...['a1', 'a2', 'a3', 'a4'].map((name) => item(name, { flow: 1 })),
      item('b1', { flow: 2 }),
      item('c1', { flow: 3 }),
      item('c2', { flow: 3 }),
    );
    expect(namesOf(queue.take(4))).toBe('a1 a2 b1 c1');
    queue.push(item('d1', { flow: 4 }));
    expect(namesOf(queue.take(4))).toBe('a3 a4 c2 d1');
    expect(queue.take(4)).toEqual([]);
  });

  it('continues with the next flow after a full batch', () => {
    const flows = [1, 2, 3].flatMap((flow) => [1, 2].map((at) => item(`${flow}.${at}`, { flow })));
    const queue = queued(...flows);
    expect([queue.take(2), queue.take(2), queue.take(2)].map(namesOf)).toEqual([
      '1.1 2.1',
      '1.2 3.1',
      '2.2 3.2',
    ]);
  });

  it('serves high-priority items first when it is crowded', () => {
    const queue = queued(item('a'), item('b'), item('now', { isHighPriority: true }));
    expect(namesOf(queue.take(2))).toBe('a now');
    expect(namesOf(queue.take(2))).toBe('b');
  });

  it('keeps the order of arrival across flows when it is not crowded', () => {
    const [a, b, c] = [1, 2, 1].map((flow, at) => item(`${at}`, { flow }));
    const exclusive = item('alone', { flow: 3, isExclusive: true });
    const last = [item('3', { flow: 1 }), item('4', { flow: 2, isHighPriority: true })];
    const queue = queued(a as Named, b as Named, c as Named, exclusive, ...last);
    expect([1, 2, 3].map(() => namesOf(queue.take(9)))).toEqual(['0 1 2', 'alone', '3 4']);
  });

  it('gives an exclusive item a batch of its own', () => {
    const exclusive = { isExclusive: true };
    const queue = queued(item('a'), item('b', exclusive), item('c', exclusive), item('d'));
    expect([1, 2, 3, 4].map(() => namesOf(queue.take(9)))).toEqual(['a', 'b', 'c', 'd']);
    expect(namesOf(queued(item('a'), item('b', exclusive), item('c')).takeAll())).toBe('a b c');
  });

  it('takes an item heavier than a batch by itself', () => {
    const queue = queued(item('a'), item('heavy', { weight: 10 }), item('b'));
    expect([1, 2, 3].map(() => namesOf(queue.take(4)))).toEqual(['a', 'heavy', 'b']);
  });

  it('counts waiting items in total and per flow', () => {
    const queue = queued(item('a', { flow: 1 }), item('b', { flow: 2 }), item('c', { flow: 2 }));
    expect([queue.length, queue.lengthOf('2'), queue.lengthOf('3')]).toEqual([3, 2, 0]);
    queue.take(2);
    expect([queue.length, queue.lengthOf('1'), queue.lengthOf('2')]).toEqual([1, 0, 1]);
  });

  it('keeps the order of a flow that never becomes empty', () => {
    const queue = queued(item('0'));
    const served: string[] = [];
    for (let at = 1; at <= 5_000; at++) {
      queue.push(item(String(at)));
      served.push(...queue.take(1).map(({ name }) => name));
    }
    expect(served).toEqual(Array.from({ length: 5_000 }, (_, at) => String(at)));
  });

  it('lets returning flows take turns after many flows were used once', () => {
    const queue = new FairQueue<Named>();
    for (let flow = 0; flow < 200; flow++) queue.push(item('once', { flow }));
    while (queue.length > 0) queue.take(7);
    for (const name of ['a1', 'a2', 'a3']) queue.push(item(name, { flow: 7 }));
    for (const name of ['b1', 'b2']) queue.push(item(name, { flow: 300 }));
    expect(namesOf(queue.take(3))).toBe('a1 a2 b1');
    expect(namesOf(queue.take(3))).toBe('a3 b2');
    expect([queue.length, queue.lengthOf('7'), queue.lengthOf('8')]).toEqual([0, 0, 0]);
  });

  it('gives every waiting flow a turn before any flow has a second one', () => {
    const queue = new FairQueue<Named>();
    const push = (name: string, flow: number): void => queue.push(item(name, { flow }));
    for (const name of ['a', 'a', 'a']) push(name, 1);
    for (let flow = 10; flow < 1_000; flow++) push('once', flow);
    for (const name of ['b', 'b', 'b']) push(name, 2);
    const served: string[] = [];
    while (queue.length > 0) served.push(...queue.take(1).map(({ name }) => name));
    expect(served.filter((name) => name !== 'once').join(' ')).toBe('a b a b a b');
  });

  it.each([1, 1_000])('releases served items, with %d flows', (flows) => {
    const queue = new FairQueue<Named>();
    const serve = (): void => {
      for (let flow = 0; flow < 100_000; flow++) {
        queue.push(item('a', { flow: flow % flows }));
        queue.take(256);
      }
    };
    serve();
    const before = heapAfter('full');
    serve();
    expect(heapAfter('full') - before).toBeLessThan(1_000_000);
  });
});

/** How many operations of each session are admitted when sessions of several routers send in turn without end. */
function admitted(max: number, sessionsOfRouters: readonly number[]): number[][] {
  const inside = sessionsOfRouters.map((sessions) => Array<number>(sessions).fill(0));
  const sum = (counts: readonly number[]): number => counts.reduce((one, other) => one + other, 0);
  for (let round = 0; round < max; round++) {
    for (const router of inside) {
      for (const [at, ofFlow] of router.entries()) {
        const queued = sum(inside.map(sum));
        if (hasRoom({ max, queued, ofRouter: sum(router), ofFlow })) router[at] = ofFlow + 1;
      }
    }
  }
  return inside;
}

describe('hasRoom', () => {
  it('lets a single session fill half of the queue', () => {
    expect(admitted(1000, [1])).toEqual([[500]]);
  });

  it('shares the queue evenly between sessions and leaves room for one more', () => {
    expect(admitted(1000, [3])).toEqual([[250, 250, 250]]);
  });

  it('leaves room for another router when one router has many sessions', () => {
    const [[...crowd], [single]] = admitted(1000, [50, 1]) as [number[], number[]];
    expect(crowd.reduce((one, other) => one + other)).toBeLessThanOrEqual(800);
    expect(single).toBeGreaterThan(0);
    expect(hasRoom({ max: 1000, queued: 999, ofRouter: 0, ofFlow: 0 })).toBe(true);
  });

  it('admits nothing when the queue is full', () => {
    expect(hasRoom({ max: 10, queued: 10, ofRouter: 0, ofFlow: 0 })).toBe(false);
  });

  it('admits high-priority operations up to twice the limit', () => {
    expect(hasHighPriorityRoom({ max: 10, queued: 19 })).toBe(true);
    expect(hasHighPriorityRoom({ max: 10, queued: 20 })).toBe(false);
  });
});

describe('retryAfterMs', () => {
  it('is the time until the queued operations are decided', () => {
    expect(retryAfterMs(10_000, 1024, 6)).toBe(60);
  });

  it('stays between 20 ms and 2 s', () => {
    expect([retryAfterMs(1, 1024, 1), retryAfterMs(1_000_000, 1, 1000)]).toEqual([20, 2000]);
  });
});
