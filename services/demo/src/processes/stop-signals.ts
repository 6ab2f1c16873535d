import { setMaxListeners } from 'node:events';

/** The terminal sends Ctrl-C to all processes and npm forwards it: signals within this time count as one. */
const SAME_SIGNAL_MS = 300;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Requests to end this process. */
export interface StopSignals {
  /** Aborts at the first signal, or by {@link stop}. */
  readonly signal: AbortSignal;
  /** Requests the end without a signal. */
  stop(): void;
}

/** Listens for signals that ask to end. `onImpatience` is called at each one after the first. */
export function listenForStop(onImpatience: () => void): StopSignals {
  const stopping = new AbortController();
  // Each child and each wait adds a listener.
  setMaxListeners(0, stopping.signal);
  let lastMono = -Infinity;
  const onSignal = (): void => {
    const nowMono = performance.now();
    if (nowMono - lastMono < SAME_SIGNAL_MS) return;
    lastMono = nowMono;
    if (stopping.signal.aborted) onImpatience();
    else stopping.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return { signal: stopping.signal, stop: () => stopping.abort() };
}
