import { Roll, type RollMember } from './roll.ts';

/** Cancels what was scheduled; does nothing if it already ran. */
export type Cancel = () => void;

/** This process's own time: never set back, never stepped, unrelated to the clock of the store. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  monoMs(): number;
  /**
   * Runs `task` once, not before `delayMs` milliseconds. `keepsAlive` says whether the process waits for it: yes where a
   * caller awaits the result, no for what only matters while the process has something else to do.
   */
  after(delayMs: number, task: () => void, keepsAlive?: boolean): Cancel;
}

/** Longer delays make `setTimeout` fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The monotonic clock of the machine and the timers of Node. */
export const systemClock: Clock = {
  monoMs: () => performance.now(),
  after: (delayMs, task, keepsAlive = false) => {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A moment that somebody waits for, and what happens then. */
export interface Appointment extends RollMember {
  dueMono: number;
  onDue(): void;
}

/** Timers fire up to a millisecond early, and a moment already over needs no zero-delay storm. */
const SHORTEST_DELAY_MS = 1;

/**
 * Any number of moments on one timer. Almost every wait of a client ends before it is due (the reply comes), so
 * entering and leaving must cost next to nothing, and looking through all of them when the timer rings is cheap.
 */
export class Agenda {
  readonly #clock: Clock;
  readonly #appointments = new Roll<Appointment>();
  #ringsAtMono = Infinity;
  #cancel: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `onDue` once `dueMono` has come, unless it is removed before. */
  at(dueMono: number, onDue: () => void): Appointment {
    const appointment = { dueMono, onDue };
    this.add(appointment);
    return appointment;
  }

  /** The same for somebody who is an appointment already. */
  add(appointment: Appointment): void {
    this.#appointments.add(appointment);
    this.#ringBy(appointment.dueMono);
  }

  /** Moves an appointment, also one that was due already. */
  move(appointment: Appointment, dueMono: number): void {
    appointment.dueMono = dueMono;
    this.#appointments.add(appointment);
    this.#ringBy(dueMono);
  }

  remove(appointment: Appointment | undefined): void {
    if (!appointment || !this.#appointments.delete(appointment)) return;
    if (this.#appointments.size === 0) this.#silence();
  }

  #ringBy(dueMono: number): void {
    if (dueMono >= this.#ringsAtMono) return;
    this.#silence();
    this.#ringsAtMono = dueMono;
    const delayMs = Math.max(dueMono - this.#clock.monoMs(), SHORTEST_DELAY_MS);
    this.#cancel = this.#clock.after(delayMs, () => this.#ring(), true);
  }

  #silence(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#ringsAtMono = Infinity;
  }

  #ring(): void {
    this.#silence();
    const now = this.#clock.monoMs();
    for (const appointment of [...this.#appointments]) {
      if (appointment.dueMono > now || !this.#appointments.delete(appointment)) continue;
      appointment.onDue();
    }
    let next = Infinity;
    for (const { dueMono } of this.#appointments) next = Math.min(next, dueMono);
    if (next < Infinity) this.#ringBy(next);
  }
}
