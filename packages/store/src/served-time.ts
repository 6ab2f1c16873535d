/**
 * How long this process has served, in ms on its monotonic clock. It counts up to `promiseMs` after each {@link extend}, so
 * the time in which a process stands still, or is not reachable, does not count.
 */
export class ServedTime {
  readonly #promiseMs: number;
  #servedMs = 0;
  #extendedMono = -Infinity;

  constructor(promiseMs: number) {
    this.#promiseMs = promiseMs;
  }

  /** Called while the process serves, at least once in `promiseMs`. */
  extend(nowMono = performance.now()): void {
    this.#servedMs = this.totalMs(nowMono);
    this.#extendedMono = nowMono;
  }

  /** Time served since the process began. Only differences have a meaning. */
  totalMs(nowMono = performance.now()): number {
    if (this.#extendedMono === -Infinity) return 0;
    return this.#servedMs + Math.min(nowMono - this.#extendedMono, this.#promiseMs);
  }
}
