const TICK_MS = 5;
/** The longest gap between two ticks that counts in full: longer ones mean that this machine ran other programs. */
const COUNTED_GAP_MS = 20;

/** Measures a duration on a machine that may be busy. */
export interface Stopwatch extends Disposable {
  /** The elapsed time in ms, without the time for which this process got no CPU. */
  elapsedMs(): number;
}

/**
 * Starts a stopwatch for an upper bound that a test expects. It counts a gap of the event loop as 20 ms at most, so that a busy machine,
 * which delays the processes under test in the same way, does not fail the test. It stops when it is disposed.
 */
export function startStopwatch(): Stopwatch {
  let countedMs = 0;
  let lastMono = performance.now();
  const tick = (): void => {
    const mono = performance.now();
    countedMs += Math.min(COUNTED_GAP_MS, mono - lastMono);
    lastMono = mono;
  };
  const timer = setInterval(tick, TICK_MS);
  return {
    elapsedMs: () => {
      tick();
      return countedMs;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
