import { setTimeout as delay } from 'node:timers/promises';
import { startStopwatch, type Stopwatch } from './stopwatch.ts';

/** The limits of {@link eventually}. */
export interface EventuallyOptions {
  /** Limit over all attempts in ms, also when one hangs. Time for which this process got no CPU does not count. */
  readonly withinMs: number;
  /** Pause between two attempts in ms. Default 20. */
  readonly everyMs?: number;
}

/** How often a hanging attempt is compared with the limit. */
const LOOK_EVERY_MS = 10;

/**
 * Repeats `attempt` until it neither throws nor rejects, and returns its result.
 *
 * @throws Error with the number of attempts; its cause is the last failure, with the difference of values
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { withinMs, everyMs = 20 }: EventuallyOptions,
): Promise<T> {
  using watch = startStopwatch();
  let cause: unknown = new Error('the first attempt did not end');
  for (let attempts = 1; ; attempts++) {
    try {
      return await within(withinMs, watch, attempt, cause);
    } catch (error) {
      cause = error;
    }
    if (watch.elapsedMs() + everyMs >= withinMs) {
      throw new Error(`not so within ${withinMs} ms, tried ${attempts} times: ${textOf(cause)}`, {
        cause,
      });
    }
    await delay(everyMs);
  }
}

/** An attempt that hangs fails with the error of the attempt before it, which is more useful than a timeout. */
async function within<T>(
  withinMs: number,
  watch: Stopwatch,
  attempt: () => T | Promise<T>,
  lastFailure: unknown,
): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    if (watch.elapsedMs() >= withinMs) limit.reject(lastFailure);
  }, LOOK_EVERY_MS);
  try {
    return await Promise.race([attempt(), limit.promise]);
  } finally {
    clearInterval(timer);
  }
}

function textOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
