import type { Cancel, Clock } from '../src/rpc/clock.ts';

interface Timer {
  readonly dueMono: number;
  readonly task: () => void;
}

/** A clock with timers that stands still until a test moves it. */
export class VirtualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now = 1_000;

  monoMs(): number {
    return this.#now;
  }

  get timers(): number {
    return this.#timers.size;
  }

  after(delayMs: number, task: () => void): Cancel {
    const timer = { dueMono: this.#now + delayMs, task };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Time passes, and every timer rings when it is due. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#nextBy(until); next; next = this.#nextBy(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.dueMono);
      next.task();
    }
    this.#now = until;
  }

  /** Time passes while the process is stopped: no timer rings until it goes on. */
  passStopped(ms: number): void {
    this.#now += ms;
  }

  #nextBy(mono: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueMono }) => dueMono <= mono);
    return due.toSorted((a, b) => a.dueMono - b.dueMono)[0];
  }
}
