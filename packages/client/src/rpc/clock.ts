import { addAbortListener } from 'node:events';

/** Cancels a scheduled task; does nothing if it already ran. */
export type Cancel = () => void;

/** This process's monotonic time: never set back, never stepped, unrelated to the store clock. */
export interface Clock {
  /** Milliseconds since some fixed instant. */
  monoMs(): number;
  /**
   * Runs `task` once, not before `delayMs` milliseconds. `keepsAlive` says whether the timer keeps the process running:
   * true where a caller awaits the result.
   */
  after(delayMs: number, task: () => void, keepsAlive?: boolean): Cancel;
}

/** `setTimeout` fires immediately for longer delays. */
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

/** A task and the instant at which it is due. */
export interface Appointment {
  dueMono: number;
  readonly onDue: () => void;
}

/** Timers fire up to a millisecond early; a delay of zero would busy-loop until an instant is really past. */
const SHORTEST_DELAY_MS = 1;

/**
 * Any number of due times on one timer. Almost every wait of a client ends before it is due, because the reply arrives:
 * adding and removing is cheap, and the timer scans all appointments when it fires.
 */
export class Agenda {
  readonly #clock: Clock;
  readonly #appointments = new Set<Appointment>();
  #firesAtMono = Infinity;
  #cancel: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `onDue` once `dueMono` has passed, unless the appointment is removed before. */
  at(dueMono: number, onDue: () => void): Appointment {
    const appointment = { dueMono, onDue };
    this.#appointments.add(appointment);
    this.#fireBy(dueMono);
    return appointment;
  }

  /** Reschedules an appointment, also one that was due already. */
  move(appointment: Appointment, dueMono: number): void {
    appointment.dueMono = dueMono;
    this.#appointments.add(appointment);
    this.#fireBy(dueMono);
  }

  remove(appointment: Appointment | undefined): void {
    if (!appointment || !this.#appointments.delete(appointment)) return;
    if (this.#appointments.size === 0) this.#stopTimer();
  }

  #fireBy(dueMono: number): void {
    if (dueMono >= this.#firesAtMono) return;
    this.#stopTimer();
    this.#firesAtMono = dueMono;
    const delayMs = Math.max(dueMono - this.#clock.monoMs(), SHORTEST_DELAY_MS);
    this.#cancel = this.#clock.after(delayMs, () => this.#fire(), true);
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#firesAtMono = Infinity;
  }

  #fire(): void {
    this.#stopTimer();
    const now = this.#clock.monoMs();
    for (const appointment of [...this.#appointments]) {
      if (appointment.dueMono > now || !this.#appointments.delete(appointment)) continue;
      appointment.onDue();
    }
    let next = Infinity;
    for (const { dueMono } of this.#appointments) next = Math.min(next, dueMono);
    if (next < Infinity) this.#fireBy(next);
  }
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 1_000;

/**
 * How long to wait after the given number of failed attempts: 50 ms, doubled up to `longestMs`; half of it is random so
 * that workers that failed together do not retry together. Never shorter than the wait that the manager asked for.
 */
export function backoffMs(
  attempt: number,
  askedMs = 0,
  longestMs: number = LONGEST_BACKOFF_MS,
): number {
  const full = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), longestMs);
  return Math.max(askedMs, full * (0.5 + Math.random() / 2));
}

/** Resolves after `ms`, or as soon as the signal fires. */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve, true);
  const listener = signal && addAbortListener(signal, () => resolve());
  await promise;
  cancel();
  listener?.[Symbol.dispose]();
}

/** Settles as `work` does, or rejects with the signal's reason as soon as the signal fires; `work` then goes on unobserved. */
export async function untilAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (!signal) return await work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(asError(signal.reason));
  const listener = addAbortListener(signal, onAbort);
  try {
    if (signal.aborted) onAbort();
    return await Promise.race([aborted, work]);
  } finally {
    listener[Symbol.dispose]();
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
