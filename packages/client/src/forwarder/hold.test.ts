import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/virtual-clock.ts';
import { Hold } from './hold.ts';

function opened(holdMs: number) {
  const clock = new VirtualClock();
  let lost = 0;
  const hold = new Hold(clock, holdMs, () => void lost++);
  hold.contact(clock.monoMs());
  return { clock, hold, lost: () => lost };
}

describe('the hold time of a forwarder', () => {
  it('ends after the last request that was answered was sent, not when its answer came', () => {
    const { clock, hold, lost } = opened(3_000);
    const sentMono = clock.monoMs();
    hold.unanswered(sentMono);
    clock.pass(900);
    hold.contact(sentMono);
    clock.pass(1_000);
    hold.unanswered(clock.monoMs());
    clock.pass(1_099);
    expect([hold.isHeld, lost()]).toEqual([true, 0]);
    clock.pass(2);
    expect([hold.isHeld, lost()]).toEqual([false, 1]);
  });

  it('does not end while every request is answered, however short it is', () => {
    const { clock, hold, lost } = opened(0);
    for (let round = 0; round < 20; round++) {
      clock.pass(100);
      const sentMono = clock.monoMs();
      hold.unanswered(sentMono);
      clock.pass(20);
      hold.contact(sentMono);
    }
    expect(lost()).toBe(0);
    hold.unanswered(clock.monoMs());
    clock.pass(251);
    expect(lost()).toBe(1);
  });

  it('of 0 ends with the connection', () => {
    const { clock, hold, lost } = opened(0);
    hold.linkDown();
    clock.pass(0);
    expect(lost()).toBe(1);
  });

  it('that passed while the process was stopped ends before a late answer counts', () => {
    const { clock, hold, lost } = opened(1_000);
    clock.pass(400);
    const sentMono = clock.monoMs();
    hold.unanswered(sentMono);
    clock.passStopped(800);
    hold.contact(sentMono);
    expect(lost()).toBe(1);
  });

  it('is not judged before the first contact, nor after the end', () => {
    const clock = new VirtualClock();
    let lost = 0;
    const hold = new Hold(clock, 1_000, () => void lost++);
    hold.unanswered(clock.monoMs());
    clock.pass(5_000);
    expect([lost, clock.timers]).toEqual([0, 0]);
    hold.contact(clock.monoMs());
    hold.unanswered(clock.monoMs());
    hold.end();
    clock.pass(5_000);
    expect([lost, clock.timers]).toEqual([0, 0]);
  });
});
