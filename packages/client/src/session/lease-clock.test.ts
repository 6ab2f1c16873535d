import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/virtual-clock.ts';
import { LeaseClock, marginMs } from './lease-clock.ts';

const TTL_MS = 9_000;
/** How long this side may use the lease. */
const USABLE_MS = TTL_MS - marginMs(TTL_MS);

function newLease(sentAgoMs = 0) {
  const clock = new VirtualClock();
  const changes: string[] = [];
  const events = { live: 'safe', jeopardy: 'jeopardy', lost: 'deadline' };
  const lease = new LeaseClock(clock, clock.monoMs() - sentAgoMs, TTL_MS, (state) => {
    changes.push(events[state]);
  });
  lease.check();
  return { clock, changes, lease };
}

describe('the margin', () => {
  it('is a twentieth of the lease, and not less than 50 ms', () => {
    expect([1_000, 2_000, 10_000, 300_000].map(marginMs)).toEqual([50, 100, 500, 15_000]);
  });
});

describe('a lease that is not renewed', () => {
  it('is in jeopardy after two thirds of it, and lost before it is over at the store', () => {
    const { clock, changes, lease } = newLease();
    clock.pass((TTL_MS * 2) / 3 - 1);
    expect(lease.state).toBe('live');
    clock.pass(1);
    expect([lease.state, ...changes]).toEqual(['jeopardy', 'jeopardy']);
    clock.pass(USABLE_MS - (TTL_MS * 2) / 3 - 1);
    expect(lease.check()).toBe(true);
    clock.pass(1);
    expect(lease.check()).toBe(false);
    expect(changes).toEqual(['jeopardy', 'deadline']);
  });

  it('counts from when the request was sent, not from its reply', () => {
    const { clock, lease } = newLease(2_000);
    clock.pass(USABLE_MS - 2_000 - 1);
    expect(lease.state).toBe('jeopardy');
    clock.pass(1);
    expect(lease.state).toBe('lost');
  });

  it('reports the deadline by its own timer, without any check', () => {
    const { clock, changes } = newLease();
    clock.pass(TTL_MS);
    expect(changes).toEqual(['jeopardy', 'deadline']);
    expect(clock.timers).toBe(0);
  });

  it('is lost at the first check after the process was suspended past the deadline', () => {
    const { clock, changes, lease } = newLease();
    clock.passStopped(USABLE_MS);
    expect(changes).toEqual([]);
    expect(lease.check()).toBe(false);
    expect(changes).toEqual(['deadline']);
    clock.pass(1);
    expect(changes).toEqual(['deadline']);
  });
});

describe('a renewal', () => {
  it('moves the deadline and ends the jeopardy', () => {
    const { clock, changes, lease } = newLease();
    clock.pass((TTL_MS * 2) / 3);
    expect(lease.renew(clock.monoMs(), TTL_MS)).toBe(true);
    expect(changes).toEqual(['jeopardy', 'safe']);
    clock.pass(USABLE_MS - 1);
    expect(lease.check()).toBe(true);
    clock.pass(1);
    expect(lease.check()).toBe(false);
  });

  it('has no effect after the deadline, whenever it was sent', () => {
    const { clock, changes, lease } = newLease();
    const sentMono = clock.monoMs() + USABLE_MS - 1;
    clock.passStopped(USABLE_MS);
    expect(lease.renew(sentMono, TTL_MS)).toBe(false);
    expect(lease.state).toBe('lost');
    expect(changes).toEqual(['deadline']);
  });

  it('that was overtaken by a later one does not move the deadline back', () => {
    const { clock, lease } = newLease();
    const early = clock.monoMs() + 100;
    const late = clock.monoMs() + 200;
    clock.pass(300);
    lease.renew(late, TTL_MS);
    const { deadlineMono } = lease;
    lease.renew(early, TTL_MS);
    expect(lease.deadlineMono).toBe(deadlineMono);
    expect(deadlineMono).toBe(late + USABLE_MS);
  });

  it('that was sent too long ago leaves the jeopardy as it is', () => {
    const { clock, changes, lease } = newLease();
    const sentMono = clock.monoMs() + 1;
    clock.pass((TTL_MS * 2) / 3 + 500);
    lease.renew(sentMono, TTL_MS);
    expect(lease.state).toBe('jeopardy');
    expect(changes).toEqual(['jeopardy']);
  });
});

describe('an ended lease', () => {
  it('is lost immediately, reports no further change and keeps no timer', () => {
    const { clock, changes, lease } = newLease();
    lease.end();
    expect(lease.check()).toBe(false);
    expect(lease.renew(clock.monoMs(), TTL_MS)).toBe(false);
    clock.pass(TTL_MS);
    expect(changes).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe('a lease that is always renewed', () => {
  it('never has more than one timer and is never in jeopardy', () => {
    const { clock, changes, lease } = newLease();
    for (let round = 0; round < 100; round++) {
      clock.pass(TTL_MS / 3);
      lease.renew(clock.monoMs() - 20, TTL_MS);
      expect(clock.timers).toBe(1);
    }
    expect(lease.state).toBe('live');
    expect(changes).toEqual([]);
  });
});
