import { heapAfter } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { FairQueue, type Turn } from './fair-queue.ts';

interface Named extends Turn {
  readonly name: string;
}

let arrivals = 0;

const item = (name: string, fields: Partial<Turn> = {}): Named => ({
  name,
  arrival: ++arrivals,
  flow: 0,
  isUrgent: false,
  isAlone: false,
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

  it('goes on with the next flow where the last batch was full', () => {
    const flows = [1, 2, 3].flatMap((flow) => [1, 2].map((at) => item(`${flow}.${at}`, { flow })));
    const queue = queued(...flows);
    expect([queue.take(2), queue.take(2), queue.take(2)].map(namesOf)).toEqual([
      '1.1 2.1',
      '1.2 3.1',
      '2.2 3.2',
    ]);
  });

  it('puts what is urgent first', () => {
    const queue = queued(item('a'), item('b'), item('now', { isUrgent: true }));
    expect(namesOf(queue.take(2))).toBe('a now');
    expect(namesOf(queue.take(2))).toBe('b');
  });

  it('keeps the order of arrival while there is no crowd, whatever the flow', () => {
    const [a, b, c] = [1, 2, 1].map((flow, at) => item(`${at}`, { flow }));
    const alone = item('alone', { flow: 3, isAlone: true });
    const last = [item('3', { flow: 1 }), item('4', { flow: 2, isUrgent: true })];
    const queue = queued(a as Named, b as Named, c as Named, alone, ...last);
    expect([1, 2, 3].map(() => namesOf(queue.take(9)))).toEqual(['0 1 2', 'alone', '3 4']);
  });

  it('keeps what must be alone alone', () => {
    const alone = { isAlone: true };
    const queue = queued(item('a'), item('b', alone), item('c', alone), item('d'));
    expect([1, 2, 3, 4].map(() => namesOf(queue.take(9)))).toEqual(['a', 'b', 'c', 'd']);
    expect(namesOf(queued(item('a'), item('b', alone), item('c')).takeAll())).toBe('a b c');
  });

  it('takes what is heavier than a batch by itself', () => {
    const queue = queued(item('a'), item('heavy', { weight: 10 }), item('b'));
    expect([1, 2, 3].map(() => namesOf(queue.take(4)))).toEqual(['a', 'heavy', 'b']);
  });

  it('counts what waits, in all and by flow', () => {
    const queue = queued(item('a', { flow: 1 }), item('b', { flow: 2 }), item('c', { flow: 2 }));
    expect([queue.length, queue.lengthOf(2), queue.lengthOf(3)]).toEqual([3, 2, 0]);
    queue.take(2);
    expect([queue.length, queue.lengthOf(1), queue.lengthOf(2)]).toEqual([1, 0, 1]);
  });

  it('keeps the order of a flow that never gets empty', () => {
    const queue = queued(item('0'));
    const served: string[] = [];
    for (let at = 1; at <= 5_000; at++) {
      queue.push(item(String(at)));
      served.push(...queue.take(1).map(({ name }) => name));
    }
    expect(served).toEqual(Array.from({ length: 5_000 }, (_, at) => String(at)));
  });

  it('lets flows take turns that come back, beside many that do not', () => {
    const queue = new FairQueue<Named>();
    for (let flow = 0; flow < 200; flow++) queue.push(item('once', { flow }));
    while (queue.length > 0) queue.take(7);
    for (const name of ['a1', 'a2', 'a3']) queue.push(item(name, { flow: 7 }));
    for (const name of ['b1', 'b2']) queue.push(item(name, { flow: 300 }));
    expect(namesOf(queue.take(3))).toBe('a1 a2 b1');
    expect(namesOf(queue.take(3))).toBe('a3 b2');
    expect([queue.length, queue.lengthOf(7), queue.lengthOf(8)]).toEqual([0, 0, 0]);
  });

  it('lets who waits have a turn before others have a second one, however many come and go', () => {
    const queue = new FairQueue<Named>();
    const push = (name: string, flow: number): void => queue.push(item(name, { flow }));
    for (const name of ['a', 'a', 'a']) push(name, 1);
    for (let flow = 10; flow < 1_000; flow++) push('once', flow);
    for (const name of ['b', 'b', 'b']) push(name, 2);
    const served: string[] = [];
    while (queue.length > 0) served.push(...queue.take(1).map(({ name }) => name));
    expect(served.filter((name) => name !== 'once').join(' ')).toBe('a b a b a b');
  });

  it.each([1, 1_000])('keeps nothing of what it has served, of %d flows', (flows) => {
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

  it.each([
    { flows: 1, atOnce: 1 },
    { flows: 30, atOnce: 30 },
    { flows: 200, atOnce: 1_000 },
  ])('leaves nothing that gets old, of $flows flows with $atOnce items waiting', (of) => {
    const queue = new FairQueue<Heavy>();
    queue.push(heavy(-1));
    pass(queue, 5_000, of);
    // What outlives two collections is old from then on, so the queue is; the items that follow are not there that long.
    heapAfter('young');
    const before = heapAfter('young');
    pass(queue, 10_000, of);
    expect(heapAfter('young') - before).toBeLessThan(200_000);
  });
});

interface Heavy extends Turn {
  readonly ballast: readonly number[];
}

function heavy(flow: number): Heavy {
  return { ...item('heavy', { flow }), ballast: Array.from({ length: 100 }, (_, at) => at) };
}

/** So many items come and are served, at most `atOnce` of them waiting at the same time. */
function pass(
  queue: FairQueue<Heavy>,
  count: number,
  { flows, atOnce }: { flows: number; atOnce: number },
): void {
  for (let at = 0; at < count; at++) {
    queue.push(heavy(at % flows));
    if (queue.length > atOnce) queue.take(16);
  }
  while (queue.length > 0) queue.take(16);
}
