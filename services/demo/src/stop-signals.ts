import { setMaxListeners } from 'node:events';

/** npm passes Ctrl-C on, after the terminal has sent it to all: two signals so close together are one wish. */
const SAME_WISH_MS = 300;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What somebody who wants this process to end has asked for. */
export interface StopSignals {
  /** Fires with the first signal, or with {@link stop}. */
  readonly signal: AbortSignal;
  /** The same wish, without a signal. */
  stop(): void;
}

/** Listens for Ctrl-C and its like. `onImpatience` is called at each signal after the first one. */
export function listenForStop(onImpatience: () => void): StopSignals {
  const stopping = new AbortController();
  // Each child and each wait listens.
  setMaxListeners(0, stopping.signal);
  let lastMono = -Infinity;
  const onSignal = (): void => {
    const nowMono = performance.now();
    if (nowMono - lastMono < SAME_WISH_MS) return;
    lastMono = nowMono;
    if (stopping.signal.aborted) onImpatience();
    else stopping.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return { signal: stopping.signal, stop: () => stopping.abort() };
}
