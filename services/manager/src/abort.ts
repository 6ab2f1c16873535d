import { addAbortListener } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Settles as `promise` does, or rejects with the reason of the signal when it is aborted first. */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  using _ = addAbortListener(signal, () => aborted.reject(signal.reason));
  return await Promise.race([promise, aborted.promise]);
}

/** Settles as `promise` does, or rejects with a `TimeoutError` after `ms`. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return orAborted(promise, AbortSignal.timeout(ms));
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
