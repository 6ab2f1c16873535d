import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sequence } from './sequence.ts';

describe('the numbers of a session', () => {
  it('start at 1 and acknowledge nothing before anything is finished', () => {
    const sequence = new Sequence(10);
    expect([sequence.issue(), sequence.issue()]).toEqual([
      { seq: 1, ack: 1 },
      { seq: 2, ack: 1 },
    ]);
  });

  it('acknowledge up to the lowest one that is not finished', () => {
    const sequence = new Sequence(10);
    for (let n = 0; n < 4; n++) sequence.issue();
    sequence.finish(2);
    sequence.finish(3);
    expect(sequence.ack).toBe(1);
    sequence.finish(1);
    expect(sequence.issue()).toEqual({ seq: 5, ack: 4 });
  });

  it('have room for a limited number of unfinished ones', () => {
    const sequence = new Sequence(2);
    sequence.issue();
    sequence.issue();
    expect(sequence.hasRoom).toBe(false);
    sequence.finish(2);
    expect(sequence.hasRoom).toBe(true);
  });

  it('do not run further ahead of an unfinished one than the reply window', () => {
    const sequence = new Sequence(1_000, 5);
    sequence.issue();
    for (let n = 0; n < 5; n++) sequence.finish(sequence.issue().seq);
    expect(sequence.hasRoom).toBe(false);
    sequence.finish(1);
    expect(sequence.hasRoom).toBe(true);
  });

  it('resolve `passed` when the number is passed, immediately if it is already', async () => {
    const sequence = new Sequence(10);
    sequence.issue();
    sequence.issue();
    let isPassed = false;
    const passing = sequence.passed(2).then(() => (isPassed = true));
    sequence.finish(2);
    await Promise.resolve();
    expect(isPassed).toBe(false);
    sequence.finish(1);
    await passing;
    await sequence.passed(1);
    expect(sequence.unfinished).toBe(0);
  });

  it('keep the contract in any order of finishing: ack never above an unfinished seq, span and window kept', () => {
    const window = 6;
    const finishes = fc.array(fc.nat(), { maxLength: 200 });
    fc.assert(
      fc.property(finishes, (choices) => {
        const sequence = new Sequence(4, window);
        const open = new Set<number>();
        for (const choice of choices) {
          if (sequence.hasRoom && choice % 3 > 0) {
            const { seq, ack } = sequence.issue();
            open.add(seq);
            expect(ack).toBe(Math.min(...open));
            expect(seq - ack).toBeLessThanOrEqual(window);
          } else {
            const seq = [...open][choice % Math.max(open.size, 1)];
            if (seq !== undefined) sequence.finish(seq);
            if (seq !== undefined) open.delete(seq);
          }
          expect(sequence.unfinished).toBe(open.size);
          expect(open.size).toBeLessThanOrEqual(4);
        }
      }),
    );
  });
});
