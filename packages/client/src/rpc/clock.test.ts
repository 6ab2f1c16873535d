import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/virtual-clock.ts';
import { Agenda } from './clock.ts';

function newAgenda() {
  const clock = new VirtualClock();
  const rung: string[] = [];
  const agenda = new Agenda(clock);
  const inMs = (ms: number, name: string) =>
    agenda.at(clock.monoMs() + ms, () => void rung.push(name));
  return { clock, agenda, rung, inMs };
}

describe('an agenda', () => {
  it('keeps any number of appointments on one timer and runs each when it is due', () => {
    const { clock, rung, inMs } = newAgenda();
    inMs(30, 'c');
    inMs(10, 'a');
    inMs(20, 'b');
    expect(clock.timers).toBe(1);
    clock.pass(10);
    expect(rung).toEqual(['a']);
    clock.pass(20);
    expect(rung).toEqual(['a', 'b', 'c']);
    expect(clock.timers).toBe(0);
  });

  it('does not run removed appointments, and has no timer when none is left', () => {
    const { clock, agenda, rung, inMs } = newAgenda();
    agenda.remove(inMs(10, 'a'));
    expect(clock.timers).toBe(0);
    clock.pass(100);
    expect(rung).toEqual([]);
  });

  it('moves an appointment, also one that has run', () => {
    const { clock, agenda, rung, inMs } = newAgenda();
    const appointment = inMs(10, 'a');
    agenda.move(appointment, clock.monoMs() + 50);
    clock.pass(49);
    expect(rung).toEqual([]);
    clock.pass(1);
    agenda.move(appointment, clock.monoMs() + 5);
    clock.pass(5);
    expect(rung).toEqual(['a', 'a']);
  });

  it('runs appointments once that a suspended process made late', () => {
    const { clock, rung, inMs } = newAgenda();
    inMs(10, 'a');
    inMs(20, 'b');
    clock.passStopped(1_000);
    clock.pass(1);
    expect(rung).toEqual(['a', 'b']);
  });

  it('does not run an appointment that another one removed while it ran', () => {
    const { clock, agenda, rung, inMs } = newAgenda();
    agenda.at(clock.monoMs() + 10, () => agenda.remove(second));
    const second = inMs(10, 'b');
    clock.pass(10);
    expect(rung).toEqual([]);
  });
});
